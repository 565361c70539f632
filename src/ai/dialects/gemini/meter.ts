import type { AnswerFault, TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { AnswerMeter, StreamMeter } from '../../relay/answer-meter.ts'
import { decodeError } from './errors.ts'
import { SearchCount, usageOfAnswer, usageOfChunk } from './usage.ts'

/** What is read of answers that are relayed in this dialect. */
export const geminiMeter: AnswerMeter = {
  hints: ['"usageMetadata"', '"usage_metadata"', '"webSearchQueries"', '"finishReason"', '"blockReason"', '"error"'],
  readUsage: usageOfAnswer,
  faultOf: decodeError,
  stream: () => new GeminiMeter(),
}

/** Every chunk may tell the usage so far: the last one counts. The stream has no end of its own but the reason for it. */
class GeminiMeter implements StreamMeter {
  usage: TokenUsage | null = null
  ended = false
  fault: AnswerFault | null = null
  readonly #searches = new SearchCount()
  #last: JsonObject | null = null

  read(chunk: JsonObject): void {
    this.fault = decodeError(chunk)
    const searches = this.#searches.total
    this.#searches.read(chunk)
    if (isObject(chunk['usageMetadata'] ?? chunk['usage_metadata'])) this.#last = chunk
    else if (this.#searches.total === searches) return this.#readEnd(chunk)
    if (this.#last !== null) this.usage = usageOfChunk(this.#last, this.#searches.total)
    this.#readEnd(chunk)
  }

  #readEnd(chunk: JsonObject): void {
    const { candidates, promptFeedback } = chunk
    if (isObject(promptFeedback) && promptFeedback['blockReason'] !== undefined) this.ended = true
    if (!Array.isArray(candidates)) return
    if (candidates.some((candidate) => isObject(candidate) && typeof candidate['finishReason'] === 'string')) {
      this.ended = true
    }
  }
}
