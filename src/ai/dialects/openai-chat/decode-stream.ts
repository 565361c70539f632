import type { StreamEvent, TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject, parseExact } from '../../ir/json.ts'
import { wordOf } from '../../ir/lax.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext, StreamDecoder, WireEvent } from '../dialect.ts'
import { CHUNK } from './answer-shape.ts'
import { decodeSources } from './citations.ts'
import { decodeError } from './errors.ts'
import { StreamedChoice } from './streamed-choice.ts'
import { servedAs, usageOfAnswer } from './usage.ts'

type Emit = (event: StreamEvent) => void

/**
 * Reads `chat.completion.chunk` events. What ends an answer (its parts' ends, its stop) is told when the stream is over
 * and not with the finish reason: some upstreams send more content after it.
 */
export class ChatStreamDecoder implements StreamDecoder {
  readonly #context: DecodeContext
  readonly #choices = new Map<number, StreamedChoice>()
  #started = false
  #over = false
  #usage: TokenUsage | null = null
  #tier: string | undefined
  /** Lists of sources that search models send with each chunk; the last one counts. */
  #citations: unknown
  #results: unknown

  constructor(context: DecodeContext) {
    this.#context = context
  }

  push(event: WireEvent, emit: Emit): void {
    if (this.#over || event.data === '') return
    if (event.data === '[DONE]') {
      if (this.#choices.size === 0) this.#fail('The upstream ended its stream without an answer.', 'empty', emit)
      else this.#finish(emit)
      return
    }
    const chunk = parsed(event.data)
    if (chunk === null) return this.#fail('The upstream sent an event that is no JSON object.', 'malformed', emit)
    const fault = decodeError(chunk)
    if (fault !== null) return this.#fail(fault.message, fault.kind, emit)
    if (event.name === 'error') return this.#fail('The upstream reported an error.', undefined, emit)
    this.#chunk(chunk, emit)
  }

  close(emit: Emit): void {
    if (this.#over) return
    if (this.#finished()) this.#finish(emit)
    else this.#fail('The upstream closed its stream before the answer was complete.', 'truncated', emit)
  }

  #chunk(chunk: JsonObject, emit: Emit): void {
    reportUnread(chunk, CHUNK, this.#context.losses)
    const { choices } = chunk
    const some = Array.isArray(choices) && choices.length > 0
    if (!this.#started && (some || wordOf(chunk['id']) !== undefined)) this.#start(chunk, emit)
    const usage = usageOfAnswer(chunk)
    this.#tier = wordOf(chunk['service_tier']) ?? this.#tier
    if (usage !== null) this.#usage = servedAs(usage, this.#tier)
    if (chunk['citations'] !== undefined) this.#citations = chunk['citations']
    if (chunk['search_results'] !== undefined) this.#results = chunk['search_results']
    if (some) {
      for (const [at, choice] of choices.entries()) if (isObject(choice)) this.#choice(choice, at, emit)
    } else if (usage !== null && this.#finished()) {
      // The vendor's last chunk: an upstream that says no [DONE] after it, and keeps its connection, has said all.
      this.#finish(emit)
    }
  }

  #start(chunk: JsonObject, emit: Emit): void {
    this.#started = true
    const { created } = chunk
    emit({
      type: 'start',
      dialect: 'openai-chat',
      id: wordOf(chunk['id']),
      model: wordOf(chunk['model']),
      createdAt:
        typeof created === 'number' && Number.isFinite(created) && created > 0 ? Math.trunc(created) : undefined,
      serviceTier: wordOf(chunk['service_tier']),
    })
  }

  #choice(choice: JsonObject, at: number, emit: Emit): void {
    if (this.#over) return
    const error = choice['error']
    const fault = isObject(error) ? decodeError({ error }) : null
    if (fault !== null) return this.#fail(fault.message, fault.kind, emit)
    const { index } = choice
    const number = typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 ? index : at
    let streamed = this.#choices.get(number)
    if (streamed === undefined) {
      streamed = new StreamedChoice(number, this.#context)
      this.#choices.set(number, streamed)
    }
    streamed.push(choice, emit)
  }

  #finished(): boolean {
    if (this.#choices.size === 0) return false
    for (const choice of this.#choices.values()) if (!choice.finished) return false
    return true
  }

  #finish(emit: Emit): void {
    this.#over = true
    const sources = decodeSources(this.#citations, this.#results)
    for (const choice of this.#choices.values()) choice.finish(sources, emit)
    if (this.#usage !== null) emit({ type: 'usage', usage: this.#usage, serviceTier: this.#tier })
    emit({ type: 'end' })
  }

  #fail(message: string, kind: string | undefined, emit: Emit): void {
    this.#over = true
    // What was used is owed, also for an answer that failed.
    if (this.#usage !== null) emit({ type: 'usage', usage: this.#usage, serviceTier: this.#tier })
    emit({ type: 'fault', fault: { message, kind } })
  }
}

function parsed(text: string): JsonObject | null {
  try {
    // Arguments are a text within the text, and keep their numbers; those of an object would lose them.
    const value: unknown = text.includes('"arguments":{') ? parseExact(text) : JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null // told as a fault
  }
}
