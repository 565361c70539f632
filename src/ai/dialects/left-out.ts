import { FieldProblem } from '../ir/fields.ts'
import type { Losses } from '../ir/losses.ts'
import type { Message, ModelRequest } from '../ir/request.ts'
import { publicType } from './carried.ts'

/** Stands where a conversation must open with the user and does not. */
export const OPENING = '(The conversation goes on.)'

/**
 * Messages that said something of which an upstream can be told nothing. An empty turn would be refused by some and be an
 * invention for the others, so that they are left out; but without the last thing that was asked there is no request.
 */
export class LeftOut {
  readonly #request: ModelRequest
  readonly #losses: Losses
  readonly #lost = new Set<Message>()

  constructor(request: ModelRequest, losses: Losses) {
    this.#request = request
    this.#losses = losses
  }

  /** Whether a message of which so much was written is left out. One that said nothing from the start is as its client sent it. */
  takes(message: Message, written: number): boolean {
    if (written > 0 || message.parts.length === 0) return false
    this.#lost.add(message)
    return true
  }

  /** Throws a FieldProblem where nothing of what was asked last is left. */
  check(): void {
    if (this.#lost.size === 0 || this.#losses.provisional) return
    const { messages } = this.#request
    const end = messages.findLastIndex(({ role }) => role === 'user' || role === 'tool') + 1
    const begin = messages.slice(0, end).findLastIndex(({ role }) => role === 'assistant') + 1
    const asked = messages.slice(begin, end).filter(({ role }) => role !== 'system')
    if (asked.length === 0 || !asked.every((message) => this.#lost.has(message))) return
    const kinds = new Set(asked.flatMap(({ parts }) => parts.map(kindOf)))
    throw new FieldProblem('messages', `nothing of what is asked can be sent to this model: ${[...kinds].join(', ')}`)
  }
}

function kindOf(part: Message['parts'][number]): string {
  return part.type === 'opaque' ? part.name : publicType(part.type)
}
