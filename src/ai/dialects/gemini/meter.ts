import type { AnswerFault, TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { AnswerMeter, StreamMeter } from '../../relay/answer-meter.ts'
import { decodeError } from './errors.ts'
import { decodeUsage } from './usage.ts'

/** What is read of answers that are relayed in this dialect. */
export const geminiMeter: AnswerMeter = {
  hints: ['"usageMetadata"', '"finishReason"', '"blockReason"', '"error"'],
  readUsage: usageOf,
  faultOf: decodeError,
  stream: () => new GeminiMeter(),
}

function usageOf({ usageMetadata }: JsonObject): TokenUsage | null {
  return isObject(usageMetadata) ? decodeUsage(usageMetadata, 0) : null
}

/** Every chunk may tell the usage so far: the last one counts. The stream has no end of its own but the reason for it. */
class GeminiMeter implements StreamMeter {
  usage: TokenUsage | null = null
  ended = false
  fault: AnswerFault | null = null

  read(chunk: JsonObject): void {
    this.fault = decodeError(chunk)
    this.usage = usageOf(chunk) ?? this.usage
    const { candidates, promptFeedback } = chunk
    if (isObject(promptFeedback) && promptFeedback['blockReason'] !== undefined) this.ended = true
    if (!Array.isArray(candidates)) return
    if (candidates.some((candidate) => isObject(candidate) && typeof candidate['finishReason'] === 'string')) {
      this.ended = true
    }
  }
}
