import { fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject, parseExact } from '../../ir/json.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { decodeCitations } from './citations.ts'
import { withoutDirectCaller } from './decode-parts.ts'

/** Blocks whose text arrives bit by bit; any other is passed on once it is whole. */
const KNOWN: ReadonlySet<unknown> = new Set(['text', 'thinking', 'tool_use'])

/** One block of a stream while it arrives. */
export class OpenBlock {
  readonly isKnown: boolean
  readonly #block: JsonObject
  /** The number of its part, once it began. */
  index = -1
  ended = false
  /** Some of its text came in deltas. */
  grown = false
  #members: Record<string, unknown> = {}
  #json = ''

  constructor(block: JsonObject) {
    this.#block = block
    this.isKnown = KNOWN.has(block['type'])
  }

  /** The part with what is known at its beginning; null for one that has to be whole. */
  early(ids: { next(prefix: string): string }): AssistantPart | null {
    const block = fieldsOf(this.#block, 'content_block')
    switch (block.string('type')) {
      case 'text':
        return {
          type: 'text',
          text: block.string('text') ?? '',
          citations: decodeCitations(block.array('citations') ?? []),
          extra: block.rest(),
        }
      case 'thinking': {
        const value = block.string('signature') ?? ''
        const signature = value === '' ? undefined : ({ family: 'anthropic', value } as const)
        return { type: 'reasoning', text: block.string('thinking') ?? '', signature, extra: block.rest() }
      }
      case 'tool_use': {
        block.value('input')
        const id = block.string('id') ?? ids.next('toolu')
        const name = block.text('name')
        return { type: 'tool-call', id, name, arguments: '', extra: withoutDirectCaller(block) }
      }
      default:
        return null
    }
  }

  /** A delta of a block that is passed on whole. */
  collect(delta: JsonObject): void {
    if (delta['type'] === 'input_json_delta') {
      if (typeof delta['partial_json'] === 'string') this.#json += delta['partial_json']
      return
    }
    const { type: _type, ...members } = delta
    this.#members = { ...this.#members, ...members }
  }

  /** The block with all that its deltas told. */
  whole(): JsonObject {
    const block: Record<string, unknown> = { ...this.#block, ...this.#members }
    if (this.#json !== '') block['input'] = parsed(this.#json)
    return block
  }

  /** Arguments that came with the start instead of in deltas, or none at all; null when there is nothing to add. */
  late(): string | null {
    if (this.#block['type'] !== 'tool_use' || this.grown) return null
    const input = this.#block['input']
    return isObject(input) ? JSON.stringify(input) : '{}'
  }
}

function parsed(json: string): unknown {
  try {
    return parseExact(json)
  } catch {
    return { invalid_arguments: json } // cut short; its own vendor runs this tool, nobody here does
  }
}
