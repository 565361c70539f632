import type { Fields } from '../../ir/fields.ts'
import type { ReasoningPart, Signature } from '../../ir/parts.ts'
import { continues, type Detail, isForeignSeal, readDetail, readThinkingBlock, thoughtOf } from './reasoning-details.ts'

/** Thoughts of one message, and the signatures that belong to its other parts. */
export interface Thoughts {
  readonly parts: readonly ReasoningPart[]
  /** Ids of the calls behind which some of them stand. */
  readonly after: ReadonlyMap<ReasoningPart, string>
  /** By the call's id; '' for the text. */
  readonly signatures: ReadonlyMap<string, Signature>
}

/**
 * Thoughts of a whole message. Upstreams and clients use four members for them, often several at once with the same
 * text: the one that says most is read, the others repeat it.
 */
export function readThoughts(message: Fields): Thoughts {
  const details = readAll(message, 'reasoning_details', readDetail)
  const blocks = readAll(message, 'thinking_blocks', readThinkingBlock)
  const plain = [message.value('reasoning_content'), message.value('reasoning')].find(isText)
  if (details.length > 0) return joined(details)
  if (blocks.length > 0) return joined(blocks)
  const parts: ReasoningPart[] = plain === undefined ? [] : [{ type: 'reasoning', text: plain }]
  return { parts, after: new Map(), signatures: new Map() }
}

function readAll(message: Fields, name: string, read: (value: unknown) => Detail | null): Detail[] {
  const value = message.value(name)
  return Array.isArray(value) ? value.map(read).filter((detail) => detail !== null) : []
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function joined(details: readonly Detail[]): Thoughts {
  const parts: ReasoningPart[] = []
  const places: (string | undefined)[] = []
  const signatures = new Map<string, Signature>()
  let index: number | undefined
  for (const detail of details) {
    if (isForeignSeal(detail) && detail.sealed !== undefined) {
      signatures.set(detail.id ?? '', detail.sealed)
      continue
    }
    const last = parts.at(-1)
    if (last !== undefined && continues(last, index, detail)) {
      parts[parts.length - 1] = {
        ...last,
        text: last.text + detail.text,
        signature: detail.signature ?? last.signature,
        sealed: detail.sealed ?? last.sealed,
      }
    } else {
      parts.push(thoughtOf(detail))
      places.push(detail.after)
    }
    index = detail.index
  }
  const after = new Map<ReasoningPart, string>()
  for (const [at, part] of parts.entries()) {
    const place = places[at]
    if (place !== undefined) after.set(part, place)
  }
  return { parts, after, signatures }
}
