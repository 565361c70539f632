import type { Signature } from '../../ir/parts.ts'

/**
 * The documented value that lets a function call pass which another model, or a client, made without a signature
 * (ai.google.dev, "Thought signatures", 2026).
 */
export const UNCHECKED_SIGNATURE = 'skip_thought_signature_validator'

const FAMILIES: ReadonlySet<string> = new Set<Signature['family']>(['anthropic', 'openai', 'gemini', 'other'])
const MARK = 'ferro:'
/** How every mark begins in base64: what does not begin so needs no decoding. */
export const MARK_IN_BASE64 = Buffer.from(MARK).toString('base64')
const SEALED = 'sealed:'

/** A seal as it travels in `thoughtSignature`, and whether it holds the thought itself. */
export interface CarriedSeal {
  readonly seal: Signature
  readonly holdsThought: boolean
  /** What OpenAI's Responses call the thought. */
  readonly itemId?: string | undefined
}

/**
 * Seals of other families travel through a client of this dialect in `thoughtSignature`, marked with their family; the
 * member holds bytes in base64, which clients decode and encode again.
 */
export function writeSeal({ seal, holdsThought, itemId = '' }: CarriedSeal): string {
  if (seal.family === 'gemini' && !holdsThought) return seal.value
  return Buffer.from(`${MARK}${holdsThought ? SEALED : ''}${seal.family}:${itemId}:${seal.value}`).toString('base64')
}

export function readSeal(text: string): CarriedSeal {
  const own: CarriedSeal = { seal: { family: 'gemini', value: text }, holdsThought: false }
  if (!text.startsWith(MARK_IN_BASE64)) return own
  let rest = Buffer.from(text, 'base64').toString('utf8').slice(MARK.length)
  const holdsThought = rest.startsWith(SEALED)
  if (holdsThought) rest = rest.slice(SEALED.length)
  const [family = '', itemId = ''] = rest.split(':', 2)
  if (!isFamily(family)) return own
  const value = rest.slice(family.length + itemId.length + 2)
  return { seal: { family, value }, holdsThought, ...(itemId !== '' && { itemId }) }
}

function isFamily(word: string): word is Signature['family'] {
  return FAMILIES.has(word)
}
