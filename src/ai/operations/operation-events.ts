import { type Exchange, GatewayError } from '../../core/index.ts'
import { createScanner, eventData, readString, SseCursor, SseFramer } from '../../lib/index.ts'
import { isObject } from '../ir/json.ts'
import type { ModelTarget } from '../models/target.ts'
import { errorWithin, reveals } from '../relay/upstream-error.ts'
import type { OperationState } from './operation-state.ts'

/** The longest event: a picture in it is base64. */
const LONGEST_EVENT = 64 * 1024 * 1024
const BLANK_LINE = Buffer.from('\n\n')
const DONE = Buffer.from('[DONE]')
const LAST_TYPES = /(?:\.completed|\.done)$/
const ERROR_EVENT = /^event: ?error *$/m
const lastScanner = createScanner(['type', 'error'], { maxDepth: 64 })
const [TYPE, ERROR] = [0, 1]
/** First byte of `null`. */
const NULL = 0x6e

/**
 * The events of one streamed answer of an operation: passed on as they are, read for usage and for how they end. An error that comes
 * first is a failure of the attempt; behind other events it is passed on as the last.
 */
export class OperationEvents {
  readonly #x: Exchange
  readonly #target: ModelTarget
  readonly #state: OperationState
  readonly #framer = new SseFramer(LONGEST_EVENT)
  readonly #cursor = new SseCursor()
  /** An event that says something of the answer has come. */
  #begun = false
  /** An event said that the answer is whole. */
  #ended = false
  /** An event said that it failed: nothing that follows is part of it. */
  #failed = false

  constructor(x: Exchange, target: ModelTarget, state: OperationState) {
    this.#x = x
    this.#target = target
    this.#state = state
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    if (this.#failed) return null
    const part = this.#framer.push(chunk)
    if (part === null) return null
    if (part !== 'overflow') return this.#read(part)
    return new GatewayError('upstream_invalid_response', `${this.#name} sent an event that is too large.`)
  }

  end(): Buffer | GatewayError | null {
    if (this.#failed) return null
    const rest = this.#framer.end()
    const last = rest === null ? null : this.#read(Buffer.concat([rest, BLANK_LINE]))
    if (last instanceof GatewayError) return last
    if (this.#ended || this.#failed) return last
    return new GatewayError('upstream_truncated', `${this.#name} ended its answer before it was complete.`)
  }

  #read(part: Buffer): Buffer | GatewayError {
    const cursor = this.#cursor
    cursor.load(part)
    while (cursor.next()) {
      const event = part.subarray(cursor.start, cursor.end)
      const data = eventData(event, 0, event.length)
      if (data === null || data.length === 0) continue
      const ending = endingOf(event, data)
      if (ending === 'error') return this.#fail(data) ?? part.subarray(0, cursor.end)
      this.#begun = true
      if (ending === 'whole') this.#ended = true
      this.#readUsage(data)
    }
    return part
  }

  /** The error that takes the place of the whole answer; null: the event is passed on, and the request counts as failed. */
  #fail(data: Buffer): GatewayError | null {
    const x = this.#x
    const error = errorWithin(this.#target, data)
    if (!this.#begun && !x.client.headSent) {
      this.#state.answered = false
      return error
    }
    if (reveals(this.#target, data)) return error
    this.#failed = true
    x.error = error
    x.end = 'upstream_error'
    return null
  }

  #readUsage(data: Buffer): void {
    if (!data.includes('"usage"')) return
    const value = parsed(data)
    const usage = isObject(value) ? this.#state.operation.meter.read(value, this.#state.facts) : null
    if (usage !== null) this.#state.usage = usage
  }

  get #name(): string {
    return this.#target.upstream.name
  }
}

/**
 * What an event says of the end of an answer, or of one of its pictures: `image_generation.completed`, `speech.audio.done`,
 * `transcript.text.done` (OpenAI's API reference, streaming events, 2026-11), the end of streams of chat completions, or an error.
 */
function endingOf(event: Buffer, data: Buffer): 'whole' | 'error' | null {
  if (data.equals(DONE)) return 'whole'
  const scanned = lastScanner.scan(data)
  if (scanned.kind !== 'object') return null
  if (scanned.has(ERROR) && data[scanned.valueStart(ERROR)] !== NULL) return 'error'
  const type = scanned.has(TYPE) ? readString(data, scanned.valueStart(TYPE), scanned.valueEnd(TYPE)) : null
  if (type === 'error' || (event.includes('error') && ERROR_EVENT.test(event.toString('latin1')))) return 'error'
  return type !== null && LAST_TYPES.test(type) ? 'whole' : null
}

function parsed(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'))
  } catch {
    return null // what cannot be read tells nothing
  }
}
