import type { ReasoningPart, Signature } from '../../ir/parts.ts'

/**
 * Seals of other vendors' thoughts, on their way through a client that knows only `signature` and `data` of this dialect: such
 * clients send them back unread, and the family that can read them gets them again. `ferro1.<family>.<kind>.<item id>.<value>`;
 * Claude's own seals are base64 and hold no dot.
 */
export const PREFIX = 'ferro1.'

/**
 * What a seal belongs to. `signed`: the text of the thought; `sealed`: holds the thought; `call`, `text`: the part that follows the
 * thinking block which carries it (Gemini signs those).
 */
export type SealKind = 'signed' | 'sealed' | 'call' | 'text'

export interface CarriedSeal {
  readonly kind: SealKind
  readonly seal: Signature
  readonly itemId?: string | undefined
}

export function writeSeal(kind: SealKind, seal: Signature, itemId?: string): string {
  if (seal.family === 'anthropic' && kind !== 'call' && kind !== 'text') return seal.value
  return `${PREFIX}${seal.family}.${kind}.${itemId ?? ''}.${seal.value}`
}

/** `own`: what a value without our mark is. */
export function readSeal(value: string, own: 'signed' | 'sealed'): CarriedSeal {
  const match = value.startsWith(PREFIX) ? FORM.exec(value) : null
  const family = FAMILIES.find((name) => name === match?.[1])
  const kind = KINDS.find((name) => name === match?.[2])
  if (match === null || family === undefined || kind === undefined) {
    return { kind: own, seal: { family: 'anthropic', value } }
  }
  return { kind, seal: { family, value: value.slice(match[0].length) }, itemId: match[3] === '' ? undefined : match[3] }
}

const FORM = /^ferro1\.([a-z]+)\.([a-z]+)\.([^.]*)\./
const FAMILIES: readonly Signature['family'][] = ['anthropic', 'openai', 'gemini', 'other']
const KINDS: readonly SealKind[] = ['signed', 'sealed', 'call', 'text']

/** A thought's seal for a client, or null when it has none. The one that holds the thought goes first. */
export function sealOf(part: ReasoningPart): string | null {
  if (part.sealed !== undefined) return writeSeal('sealed', part.sealed, part.itemId)
  return part.signature === undefined ? null : writeSeal('signed', part.signature, part.itemId)
}
