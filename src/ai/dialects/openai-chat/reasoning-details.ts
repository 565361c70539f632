import { isObject, type JsonObject } from '../../ir/json.ts'
import { textOf, wordOf } from '../../ir/lax.ts'
import type { ReasoningPart, Signature } from '../../ir/parts.ts'
import type { SealFamily } from '../name.ts'

/*
 * `reasoning_details`: thoughts with their seals, in the form of OpenRouter's documentation ("Reasoning tokens", 2026-11):
 * `reasoning.text` with text and signature, `reasoning.summary`, `reasoning.encrypted` with data; `format` names who
 * can read it, `index` counts the thoughts. A signature of a call of a tool is an encrypted detail with the call's id.
 */

const FORMATS: Readonly<Record<SealFamily, string>> = {
  anthropic: 'anthropic-claude-v1',
  openai: 'openai-responses-v1',
  gemini: 'google-gemini-v1',
  other: 'unknown',
}
const FAMILIES: Readonly<Record<string, SealFamily>> = {
  'anthropic-claude-v1': 'anthropic',
  'openai-responses-v1': 'openai',
  'azure-openai-responses-v1': 'openai',
  'google-gemini-v1': 'gemini',
}

/** One entry, read. */
export interface Detail {
  readonly kind: 'text' | 'summary' | 'encrypted'
  readonly text: string
  readonly signature: Signature | undefined
  readonly sealed: Signature | undefined
  readonly id: string | undefined
  readonly index: number | undefined
  /** The call that it stands behind: a member of ours, for thoughts between calls. */
  readonly after: string | undefined
  readonly extra: JsonObject | undefined
}

/** An entry of `reasoning_details`; null for one of no kind that is known. */
export function readDetail(value: unknown): Detail | null {
  if (!isObject(value)) return null
  const format = wordOf(value['format'])
  const family = FAMILIES[format ?? ''] ?? 'other'
  const common = {
    signature: undefined,
    sealed: undefined,
    id: wordOf(value['id']),
    index: typeof value['index'] === 'number' ? value['index'] : undefined,
    after: wordOf(value['after']),
    extra: format === undefined || FORMATS[family] === format ? undefined : { format },
  }
  switch (value['type']) {
    case 'reasoning.text':
      return { ...common, kind: 'text', text: textOf(value['text']) ?? '', signature: seal(family, value['signature']) }
    case 'reasoning.summary':
      return { ...common, kind: 'summary', text: textOf(value['summary']) ?? '' }
    case 'reasoning.encrypted':
      return { ...common, kind: 'encrypted', text: '', sealed: seal(family, value['data']) }
    default:
      return null
  }
}

/** A block of `thinking_blocks`, which are Claude's own blocks (`thinking`, `redacted_thinking`). */
export function readThinkingBlock(value: unknown): Detail | null {
  if (!isObject(value)) return null
  const common = {
    signature: undefined,
    sealed: undefined,
    id: undefined,
    index: undefined,
    after: undefined,
    extra: undefined,
  }
  if (value['type'] === 'redacted_thinking') {
    return { ...common, kind: 'encrypted', text: '', sealed: seal('anthropic', value['data']) }
  }
  const signature = seal('anthropic', value['signature'])
  return { ...common, kind: 'text', text: textOf(value['thinking']) ?? '', signature }
}

/** Whether a detail is about a call, or a text, and not a thought of its own: Gemini signs those. */
export function isForeignSeal(detail: Detail): boolean {
  return detail.kind === 'encrypted' && detail.sealed?.family === 'gemini'
}

/** The thought that a detail begins. */
export function thoughtOf({ kind, text, signature, sealed, id, extra }: Detail): ReasoningPart {
  return {
    type: 'reasoning',
    text,
    summary: kind === 'summary' ? true : undefined,
    signature,
    sealed,
    itemId: id,
    extra,
  }
}

/** Whether a detail goes on with a thought (of which `index` is known) or begins another one. */
export function continues(thought: ReasoningPart, index: number | undefined, detail: Detail): boolean {
  if (
    detail.kind === 'encrypted' ? thought.sealed !== undefined : thought.text === '' && thought.sealed !== undefined
  ) {
    return false
  }
  if (detail.kind !== 'encrypted' && (thought.summary === true) !== (detail.kind === 'summary')) return false
  if (index !== undefined && detail.index !== undefined) return index === detail.index
  if (thought.itemId !== undefined && detail.id !== undefined) return thought.itemId === detail.id
  return detail.kind !== 'encrypted' && thought.signature === undefined
}

/** The details of one thought; `after`: the call that it stands behind, when it does not stand in front of all. */
export function detailsOf(part: ReasoningPart, index: number, after?: string): JsonObject[] {
  const details: JsonObject[] = []
  const seal = part.signature ?? part.sealed
  const named = part.extra?.['format']
  const common = {
    ...(part.itemId === undefined ? {} : { id: part.itemId }),
    format: typeof named === 'string' ? named : FORMATS[seal?.family ?? 'other'],
    index,
    ...(after === undefined ? {} : { after }),
  }
  if (part.summary === true) details.push({ type: 'reasoning.summary', summary: part.text, ...common })
  else if (part.text !== '' || part.signature !== undefined) {
    const { signature } = part
    details.push({
      type: 'reasoning.text',
      text: part.text,
      ...(signature === undefined ? {} : { signature: signature.value }),
      ...common,
    })
  }
  if (part.sealed !== undefined) details.push({ type: 'reasoning.encrypted', data: part.sealed.value, ...common })
  return details
}

/** The signature of a call (`id`), or of a text. Only Gemini has them. */
export function foreignSeal(signature: Signature, index: number, id?: string): JsonObject {
  const named = id === undefined ? {} : { id }
  return { type: 'reasoning.encrypted', data: signature.value, ...named, format: FORMATS[signature.family], index }
}

function seal(family: SealFamily, value: unknown): Signature | undefined {
  return typeof value === 'string' && value !== '' ? { family, value } : undefined
}
