import type { ReasoningPart, Signature } from '../../ir/parts.ts'

/**
 * Seals of other vendors' thoughts, on their way through a client that knows only `encrypted_content`: it sends that back
 * unread, and the family that can read it gets it again. `ferro1.<family>.<kind>.<value>`; the vendor's own are base64
 * and hold no dot.
 */
export const PREFIX = 'ferro1.'
const FORM = /^ferro1\.([a-z]+)\.([a-z]+)\./
const FAMILIES: readonly Signature['family'][] = ['anthropic', 'openai', 'gemini', 'other']
const KINDS = ['signed', 'sealed', 'call', 'text'] as const

/** `signed`: proves the text of the thought; `sealed`: holds the thought; `call`, `text`: of the part that follows (Gemini). */
export type SealKind = (typeof KINDS)[number]

export interface CarriedSeal {
  readonly kind: SealKind
  readonly seal: Signature
}

export function writeSeal(kind: SealKind, seal: Signature): string {
  return seal.family === 'openai' && kind === 'sealed' ? seal.value : `${PREFIX}${seal.family}.${kind}.${seal.value}`
}

export function readSeal(value: string): CarriedSeal {
  const match = value.startsWith(PREFIX) ? FORM.exec(value) : null
  const family = FAMILIES.find((name) => name === match?.[1])
  const kind = KINDS.find((name) => name === match?.[2])
  if (match === null || family === undefined || kind === undefined) {
    return { kind: 'sealed', seal: { family: 'openai', value } }
  }
  return { kind, seal: { family, value: value.slice(match[0].length) } }
}

/** A thought's seal for a client; null when it has none. The one that holds the thought goes first. */
export function sealOf({ sealed, signature }: ReasoningPart): string | null {
  if (sealed !== undefined) return writeSeal('sealed', sealed)
  return signature === undefined ? null : writeSeal('signed', signature)
}
