import { type Exchange, GatewayError } from '../../core/index.ts'
import { eventData, patchTopLevel, readJson, type ScannedObject, SseCursor, SseFramer } from '../../lib/index.ts'
import type { ConversationState } from '../conversation/conversation-state.ts'
import type { ModelTarget } from '../models/target.ts'
import { ANSWER, answerScanner, tierOf } from './answer-fields.ts'
import { ChoiceEnds } from './choice-ends.ts'
import { DeliveredEstimate } from './delivered.ts'
import { EditedPart } from './edited-part.ts'
import { reveals } from './upstream-error.ts'
import { readUsage } from './usage.ts'

const LF = 0x0a
const CLOSE = 0x7d
/** First byte of `null`. */
const NULL = 0x6e
const NOTHING = Buffer.alloc(0)
const BLANK_LINE = Buffer.from('\n\n')
const DATA = Buffer.from('data: {')
const DONE = Buffer.from('[DONE]')
const USAGE_NAME = Buffer.from('"usage"')
const TIER_NAME = Buffer.from('"service_tier"')
const ERROR_NAME = Buffer.from('"error"')
const USAGE_NULL = Buffer.from(',"usage":null}')
const FINISH = /"finish_reason"\s*:\s*"/
/** A text that is not empty, a call, a reason to finish: the first event of a stream has a role alone, as a rule. */
const SAYS_SOMETHING =
  /"(?:content|reasoning_content|reasoning|refusal|text)"\s*:\s*"[^"]|"(?:tool_calls|function_call|audio|reasoning_details)"\s*:\s*[[{]|"finish_reason"\s*:\s*"/
const ERROR_EVENT = /^event: ?error *$/m

/**
 * The events of a streamed answer. Whole events are forwarded as they are; an event that is cut waits for its rest, so
 * that an error event can follow cleanly at any time. When the gateway asked for usage and the client did not, the
 * usage is read and taken out. A stream that ends without its terminator is an error, unless every choice that began has
 * finished. Events in front of one that must not go on are forwarded before the error that takes its place.
 */
export class EventStream {
  readonly #x: Exchange
  readonly #target: ModelTarget
  readonly #state: ConversationState
  readonly #framer = new SseFramer()
  readonly #cursor = new SseCursor()
  readonly #delivered = new DeliveredEstimate()
  /** For a request of several choices; the end of a single one is looked for in the last parts alone. */
  readonly #choices: ChoiceEnds | null
  #done = false
  #failed = false
  /** Why nothing more is forwarded; the request is refused for it in the next turn at the latest. */
  #problem: GatewayError | null = null
  #dataEvents = 0
  /** How the vendor says in the first event that it serves: the one with the usage may leave it out. */
  #tier: string | null = null
  /** No event has said anything of the answer yet: clients are told of a role, or of nothing, first. */
  silent = true
  /** The last two parts with data, to look for the end of the choice when there is no terminator. */
  #last: Buffer | null = null
  #beforeLast: Buffer | null = null

  constructor(x: Exchange, target: ModelTarget, state: ConversationState) {
    this.#x = x
    this.#target = target
    this.#state = state
    this.#choices = state.choices > 1 ? new ChoiceEnds() : null
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    if (this.#problem !== null) return this.#problem
    if (this.#failed) return null
    const part = this.#framer.push(chunk)
    if (part === null) return null
    if (part === 'overflow') return this.#invalid('sent an event that is too large')
    return this.#read(part)
  }

  end(): Buffer | GatewayError | null {
    if (this.#problem !== null) return this.#problem
    if (this.#failed) return null
    const rest = this.#framer.end()
    if (rest === null) return this.#ended() ? null : this.#truncated()
    if (this.#done) return isLineBreak(rest) ? rest : null
    // The blank line after the last event is missing; with it, the event may be complete.
    const event = Buffer.concat([rest, BLANK_LINE])
    if (isCut(event)) return this.#truncated()
    const last = this.#read(event)
    if (last instanceof GatewayError) return last
    return this.#ended() ? last : this.#truncated()
  }

  #ended(): boolean {
    if (this.#done || this.#failed) return true
    if (this.#choices !== null) return this.#choices.complete
    return [this.#beforeLast, this.#last].some((part) => part !== null && FINISH.test(part.toString('latin1')))
  }

  #truncated(): GatewayError {
    return new GatewayError(
      'upstream_truncated',
      `${this.#target.upstream.name} ended its answer before it was complete.`,
    )
  }

  #invalid(what: string): GatewayError {
    return new GatewayError('upstream_invalid_response', `${this.#target.upstream.name} ${what}.`)
  }

  #read(part: Buffer): Buffer | GatewayError | null {
    const before = this.#dataEvents
    const cursor = this.#cursor
    cursor.load(part)
    let nextUsage = part.indexOf(USAGE_NAME)
    let nextError = part.indexOf(ERROR_NAME)
    const out = new EditedPart(part)
    while (cursor.next()) {
      const { start, end } = cursor
      const earlier = this.#dataEvents
      let problem: GatewayError | null = null
      if (!isPlainObjectEvent(part, start, end)) problem = this.#readOddEvent(part, start, end)
      else {
        this.#dataEvents++
        if (this.#dataEvents === 1) this.#readTier(part, start, end)
        this.#delivered.add(end - start)
        if (this.silent) this.silent = !SAYS_SOMETHING.test(part.toString('latin1', start, end))
      }
      if (nextError >= 0 && nextError < start) nextError = part.indexOf(ERROR_NAME, start)
      if (problem === null && nextError >= 0 && nextError < end) problem = this.#readError(part, start, end)
      if (problem !== null) return this.#stopAt(problem, earlier === 0 ? null : out.upTo(start))
      // What an upstream sends behind its own error would make a whole answer of it.
      if (this.#failed) return this.#cutAt(out, end)
      if (this.#choices !== null) this.#choices.read(eventData(part, start, end) ?? NOTHING)
      if (nextUsage >= 0 && nextUsage < start) nextUsage = part.indexOf(USAGE_NAME, start)
      if (nextUsage >= 0 && nextUsage < end) this.#readUsageEvent(part, start, end, out)
    }
    // Comments and stray line breaks say nothing of how the stream ends.
    if (this.#dataEvents > before) {
      this.#beforeLast = this.#last
      this.#last = part
    }
    this.#noteDelivered()
    return out.finish()
  }

  /**
   * Ends the stream at an event that must not go on. What stands before it in the same part is given now; the error
   * follows when the attempt asks for more, or in the next turn when the upstream says nothing more.
   */
  #stopAt(problem: GatewayError, before: Buffer | null): Buffer | GatewayError {
    this.#noteDelivered()
    if (before === null) return problem
    this.#problem = problem
    this.#x.attempt?.rejectSoon(problem)
    return before
  }

  #cutAt(out: EditedPart, end: number): Buffer | null {
    this.#noteDelivered()
    return out.upTo(end)
  }

  #noteDelivered(): void {
    this.#state.deliveredTokens = this.#delivered.tokens
    this.#state.unreportedTokens = this.#delivered.unreported
  }

  /** Anything but `data: {…}` on one line: comments, the terminator, other spellings, garbage. */
  #readOddEvent(part: Buffer, start: number, end: number): GatewayError | null {
    const data = eventData(part, start, end)
    if (data === null || data.length === 0) return null
    if (data.equals(DONE)) {
      this.#done = true
      return null
    }
    if (ERROR_EVENT.test(part.toString('latin1', start, end))) {
      this.#dataEvents++
      return this.#inBandError(data)
    }
    if (answerScanner.scan(data).kind !== 'object') return this.#invalid('sent an event that is not JSON')
    this.#dataEvents++
    this.#delivered.add(end - start)
    this.silent = false
    return null
  }

  #readError(part: Buffer, start: number, end: number): GatewayError | null {
    const data = eventData(part, start, end)
    if (data === null) return null
    const scanned = answerScanner.scan(data)
    if (scanned.kind !== 'object' || !scanned.has(ANSWER.error)) return null
    if (data[scanned.valueStart(ANSWER.error)] === NULL) return null
    return this.#inBandError(data)
  }

  /** As the first event it becomes a whole error answer; later it is forwarded, and the request counts as failed. */
  #inBandError(data: Buffer): GatewayError | null {
    const shown = reveals(this.#target, data) ? '' : `: ${messageOf(data)}`
    const error = new GatewayError('upstream_error', `${this.#target.upstream.name} reported an error${shown}`)
    if (this.#dataEvents <= 1 && !this.#x.client.headSent) {
      this.#state.answered = false
      return error
    }
    if (shown === '') return error
    this.#failed = true
    this.#x.error = error
    this.#x.end = 'upstream_error'
    return null
  }

  #readTier(part: Buffer, start: number, end: number): void {
    const at = part.indexOf(TIER_NAME, start)
    if (at < 0 || at >= end) return
    const data = eventData(part, start, end)
    const scanned = data === null ? null : answerScanner.scan(data)
    if (data !== null && scanned?.kind === 'object') this.#tier = tierOf(data, scanned)
  }

  #readUsageEvent(part: Buffer, start: number, end: number, out: EditedPart): void {
    const hide = !this.#state.asksUsage
    const close = lastByte(part, end)
    if (part[close] === CLOSE && endsWith(part, close + 1, USAGE_NULL)) {
      if (hide) out.remove(close + 1 - USAGE_NULL.length, close)
      return
    }
    const data = eventData(part, start, end)
    if (data === null) return
    const scanned = answerScanner.scan(data)
    if (scanned.kind !== 'object' || !scanned.has(ANSWER.usage)) return
    const told = readJson(data, scanned.valueStart(ANSWER.usage), scanned.valueEnd(ANSWER.usage))
    const usage = readUsage({ usage: told, service_tier: tierOf(data, scanned) ?? this.#tier })
    if (usage !== null) {
      this.#state.usage = usage
      this.#delivered.report()
    }
    if (!hide) return
    // Where usage is null the event is not the one that was asked for: it would have come anyway.
    if (data[scanned.valueStart(ANSWER.usage)] !== NULL && isEmptyArray(data, scanned)) return out.remove(start, end)
    const patched = patchTopLevel(data, scanned, [{ kind: 'remove', index: ANSWER.usage }])
    const at = data.byteOffset - part.byteOffset
    // On one line the data is a view of the part, and all around it stays; joined from several it is a copy.
    if (data.buffer === part.buffer && at >= start && at + data.length <= end) {
      out.replace(at, at + data.length, patched)
    } else
      out.replace(
        start,
        end,
        Buffer.from(`data: ${patched.toString('latin1').replaceAll('\n', '\ndata: ')}\n\n`, 'latin1'),
      )
  }
}

function isLineBreak(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === LF || byte === 0x0d)
}

/** True when an event that had no blank line behind it holds data that is not whole. */
function isCut(event: Buffer): boolean {
  const data = eventData(event, 0, event.length)
  return data !== null && data.length > 0 && !data.equals(DONE) && answerScanner.scan(data).kind !== 'object'
}

function isPlainObjectEvent(part: Buffer, start: number, end: number): boolean {
  for (let at = 0; at < DATA.length; at++) if (part[start + at] !== DATA[at]) return false
  const close = lastByte(part, end)
  if (part[close] !== CLOSE) return false
  // One line only: a second line would need joining.
  const firstLf = part.indexOf(LF, start)
  return firstLf < 0 || firstLf > close
}

/** Offset of the last byte of an event before its line ends. */
function lastByte(part: Buffer, end: number): number {
  let at = end - 1
  while (at > 0 && (part[at] === LF || part[at] === 0x0d)) at--
  return at
}

function endsWith(part: Buffer, end: number, text: Buffer): boolean {
  const start = end - text.length
  if (start < 0) return false
  for (let at = 0; at < text.length; at++) if (part[start + at] !== text[at]) return false
  return true
}

function isEmptyArray(data: Buffer, scanned: ScannedObject): boolean {
  if (!scanned.has(ANSWER.choices)) return true
  const text = data.toString('latin1', scanned.valueStart(ANSWER.choices), scanned.valueEnd(ANSWER.choices))
  return /^\[\s*\]$/.test(text)
}

function messageOf(data: Buffer): string {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'))
    const error = typeof value === 'object' && value !== null && 'error' in value ? value.error : value
    if (typeof error === 'string') return error.slice(0, 300)
    if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message).slice(0, 300)
  } catch {
    // not JSON: there is no message to quote
  }
  return 'no message'
}
