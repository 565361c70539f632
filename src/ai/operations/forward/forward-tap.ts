import {
  type AnswerHeaders,
  type AnswerPlan,
  type AnswerTap,
  type Exchange,
  GatewayError,
} from '../../../core/index.ts'
import { eventData, SseCursor, SseFramer } from '../../../lib/index.ts'
import { isObject, objectIn } from '../../ir/json.ts'
import { clientHeaders } from '../../relay/answer-headers.ts'
import type { AnswerSource } from '../../relay/answer-source.ts'
import { LongAnswer } from '../../relay/long-answer.ts'
import { errorOfAnswer, errorWithin, reveals } from '../../relay/upstream-error.ts'
import { AnyUsage } from './any-usage.ts'
import type { ForwardState } from './forward-state.ts'
import { onlyListed } from './origin.ts'

const LONGEST_EVENT = 16 * 1024 * 1024
const BLANK_LINE = Buffer.from('\n\n')

/** Passes an answer on byte for byte, reads what usage it tells in any dialect, and wraps ids where there are origins. */
export class ForwardTap implements AnswerTap {
  readonly #x: Exchange
  readonly #source: AnswerSource
  readonly #state: ForwardState
  readonly #framer = new SseFramer(LONGEST_EVENT)
  readonly #cursor = new SseCursor()
  #mode: 'error' | 'json' | 'events' | 'bytes' = 'bytes'
  #status = 0
  #headers: AnswerHeaders = {}
  #long: LongAnswer | null = null
  readonly #reader = new AnyUsage()

  constructor(x: Exchange, source: AnswerSource, state: ForwardState) {
    this.#x = x
    this.#source = source
    this.#state = state
  }

  start(status: number, headers: AnswerHeaders): AnswerPlan | GatewayError {
    this.#status = status
    this.#headers = headers
    if (status < 200 || status >= 300) {
      this.#mode = 'error'
      if (status < 400) return this.#invalid(`answered ${status}, which is not followed`)
      return 'buffer'
    }
    const type = String(headers['content-type'] ?? '').toLowerCase()
    const isJson = /^application\/(?:[a-z0-9.+-]*\+)?json\b/.test(type)
    if (this.#state.wantsObject && !isJson) {
      return this.#invalid(`answered ${status} with ${type === '' ? 'no content type' : type} instead of JSON`)
    }
    this.#state.answered = true
    if (type.startsWith('text/event-stream')) {
      this.#mode = 'events'
      return 'stream'
    }
    if (isJson) {
      this.#mode = 'json'
      return 'buffer'
    }
    return 'relay'
  }

  complete(body: Buffer): Buffer | GatewayError {
    if (this.#mode === 'error') return this.#error(body)
    const answer = objectIn(body)
    if (this.#state.wantsObject && (answer === null || isObject(answer['error']))) {
      this.#state.answered = false
      if (answer !== null) return errorWithin(this.#source, body)
      return this.#invalid(`answered 200 with ${body.length === 0 ? 'an empty body' : 'a body that is no JSON object'}`)
    }
    this.#state.textBytes = body.length
    if (answer === null) return body
    const { origin, readAnswer, countsUsage, listed, onAnswer, editAnswer } = this.#state
    onAnswer?.(answer)
    const usage = readAnswer === null ? this.#reader.read(answer) : readAnswer(answer)
    if (countsUsage) this.#state.usage = usage
    if (origin === null && listed === null && editAnswer === null) return body
    const told = origin?.wrapAll(answer, listed) ?? onlyListed(answer, listed)
    return Buffer.from(JSON.stringify(isObject(told) && editAnswer !== null ? editAnswer(told) : told))
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    // A very long one is told by its status, and by its beginning.
    if (this.#mode === 'error') return this.#error(chunk)
    if (this.#mode !== 'bytes') this.#state.textBytes += chunk.length
    if (this.#mode === 'events') {
      const part = this.#framer.push(chunk)
      if (part === null) return null
      if (part === 'overflow') return this.#invalid('sent an event that is too large')
      this.#readEvents(part)
      return part
    }
    if (this.#mode === 'json') {
      if (this.#state.origin !== null)
        return this.#invalid('sent an answer that is too long for its ids to be told apart')
      this.#long ??= new LongAnswer()
      this.#long.push(chunk)
    }
    return chunk
  }

  end(): Buffer | GatewayError | null {
    if (this.#mode === 'events') {
      const rest = this.#framer.end()
      if (rest !== null) this.#readEvents(Buffer.concat([rest, BLANK_LINE]))
      return rest
    }
    const answer = this.#long?.members() ?? null
    if (answer === null || !this.#state.countsUsage) return null
    const { readAnswer } = this.#state
    this.#state.usage = readAnswer === null ? this.#reader.read(answer) : readAnswer(answer)
    return null
  }

  headers(headers: AnswerHeaders, body: Buffer | null): string[] {
    const length = body === null ? null : body.length
    const out = clientHeaders(this.#x, this.#source, headers, length, this.#mode === 'events')
    const { answerHeaders } = this.#state
    for (const name in answerHeaders === null ? {} : headers) {
      const value = headers[name]
      const told = typeof value === 'string' ? answerHeaders?.(name, value) : null
      if (typeof told === 'string' && !this.#source.secretTexts.some((secret) => told.includes(secret)))
        out.push(name, told)
    }
    out.push('x-ferro-provider', this.#source.upstream.name)
    return out
  }

  #readEvents(part: Buffer): void {
    if (!this.#state.countsUsage) return
    const cursor = this.#cursor
    cursor.load(part)
    while (cursor.next()) {
      const event = part.subarray(cursor.start, cursor.end)
      if (!event.includes('"usage') && !event.includes('"webSearchQueries"')) continue
      const data = eventData(event, 0, event.length)
      const value = data === null ? null : objectIn(data)
      if (value === null) continue
      this.#reader.read(value)
      this.#state.usage = this.#reader.usage
    }
  }

  /** The provider's own words, in whatever shape, as long as they give nothing away. */
  #error(body: Buffer): GatewayError {
    const error = errorOfAnswer(this.#source, this.#status, this.#headers, body)
    if (error.code !== 'upstream_rejected' || error.body !== null) return error
    if (reveals(this.#source, body) || objectIn(body) === null) return error
    return new GatewayError('upstream_rejected', error.message, {
      status: this.#status,
      body,
      contentType: 'application/json',
    })
  }

  #invalid(what: string): GatewayError {
    return new GatewayError('upstream_invalid_response', `${this.#source.upstream.name} ${what}.`)
  }
}
