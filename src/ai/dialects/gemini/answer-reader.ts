import type { StreamEvent } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { leftOver } from '../../ir/losses.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext } from '../dialect.ts'
import { RESPONSE } from './answer-shape.ts'
import { CandidateReader } from './candidate-reader.ts'
import { decodeError } from './errors.ts'
import { camelMembers, camelName } from './spelling.ts'
import { blockedStop } from './stop-reasons.ts'
import { tierOf, usageOf } from './usage.ts'

type Emit = (event: StreamEvent) => void

const READ: ReadonlySet<string> = new Set([
  'candidates',
  'usageMetadata',
  'modelVersion',
  'responseId',
  'createTime',
  'promptFeedback',
  'error',
])

/**
 * Reads `GenerateContentResponse`, as a whole or chunk by chunk: a chunk is a response that holds what is new. There is no
 * last event: an answer is complete when each candidate told why it stopped, or the prompt was refused.
 */
export class AnswerReader {
  readonly #context: DecodeContext
  readonly #candidates = new Map<number, CandidateReader>()
  #started = false
  #blocked: string | null = null
  #usage: JsonObject | null = null
  #extra: Record<string, unknown> | null = null

  constructor(context: DecodeContext) {
    this.#context = context
  }

  /** False: a fault was told, and nothing may follow. */
  push(response: JsonObject, emit: Emit): boolean {
    const fault = 'error' in response ? decodeError(response) : null
    if (fault !== null) {
      emit({ type: 'fault', fault })
      return false
    }
    if (!this.#started) this.#start(response, emit)
    reportUnread(response, RESPONSE, this.#context.losses, camelName)
    const { candidates, promptFeedback, usageMetadata } = response
    if (isObject(promptFeedback)) this.#feedback(promptFeedback)
    if (Array.isArray(candidates)) for (const item of candidates) if (isObject(item)) this.#candidate(item, emit)
    if (isObject(usageMetadata)) {
      this.#usage = camelMembers(usageMetadata)
      this.#tellUsage(emit)
    }
    for (const name in response) if (!READ.has(name)) this.#keep(name, response[name])
    return true
  }

  /** Ends the answer. False: it was not complete, and nothing was said. */
  close(emit: Emit): boolean {
    const candidates = [...this.#candidates.values()]
    if (candidates.length === 0) {
      if (this.#blocked === null) return false
      emit({ type: 'stop', choice: 0, stop: blockedStop(this.#blocked) })
    } else if (!candidates.every(({ finished }) => finished)) return false
    for (const candidate of candidates) candidate.close(emit)
    if (candidates.some(({ searches }) => searches > 0)) this.#tellUsage(emit)
    const extra = this.#allExtra()
    emit(extra === null ? { type: 'end' } : { type: 'end', extra })
    return true
  }

  #start(response: JsonObject, emit: Emit): void {
    this.#started = true
    const { responseId, modelVersion, createTime, usageMetadata } = response
    const created = typeof createTime === 'string' ? Math.floor(Date.parse(createTime) / 1000) : Number.NaN
    const tier = isObject(usageMetadata) ? tierOf(camelMembers(usageMetadata)) : undefined
    emit({
      type: 'start',
      dialect: 'gemini',
      ...(typeof responseId === 'string' && { id: responseId }),
      ...(typeof modelVersion === 'string' && { model: modelVersion }),
      ...(!Number.isNaN(created) && { createdAt: created }),
      ...(tier !== undefined && { serviceTier: tier }),
    })
  }

  #feedback(feedback: JsonObject): void {
    const { blockReason, ...rest } = camelMembers(feedback)
    if (typeof blockReason === 'string' && blockReason !== 'BLOCKED_REASON_UNSPECIFIED') {
      this.#blocked = blockReason
      // Elsewhere, and in an answer that has a candidate, a filter has no such word.
      this.#context.losses.adapt('promptFeedback.blockReason')
    }
    if (Object.keys(rest).length > 0) this.#keep('promptFeedback', leftOver(rest))
  }

  #candidate(item: JsonObject, emit: Emit): void {
    const candidate = camelMembers(item)
    const index = typeof candidate['index'] === 'number' ? candidate['index'] : 0
    let reader = this.#candidates.get(index)
    if (reader === undefined) {
      reader = new CandidateReader(index, this.#context)
      this.#candidates.set(index, reader)
    }
    reader.push(candidate, emit)
  }

  #tellUsage(emit: Emit): void {
    if (this.#usage === null) return
    let searches = 0
    for (const candidate of this.#candidates.values()) searches += candidate.searches
    emit({ type: 'usage', usage: usageOf(this.#usage, searches), serviceTier: tierOf(this.#usage) })
  }

  /** Members that only this dialect knows, candidates' included; null when there are none. */
  #allExtra(): JsonObject | null {
    const candidates = [...this.#candidates.values()].map(({ extra }) => leftOver({ ...extra }))
    if (!candidates.some((extra) => Object.keys(extra).length > 0)) return this.#extra
    return { ...this.#extra, candidates: leftOver(candidates) }
  }

  #keep(name: string, value: unknown): void {
    this.#extra ??= {}
    this.#extra[name] = value
  }
}
