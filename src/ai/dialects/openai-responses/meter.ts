import type { AnswerFault, TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { AnswerMeter, StreamMeter } from '../../relay/answer-meter.ts'
import { decodeError } from './errors.ts'
import { usageOfAnswer } from './usage.ts'

/** What is read of responses that are relayed. */
export const responsesMeter: AnswerMeter = {
  hints: [
    'response.completed',
    'response.incomplete',
    'response.failed',
    'response.cancelled',
    '"type":"error"',
    '"type": "error"',
  ],
  readUsage: usageOfAnswer,
  faultOf: decodeError,
  forwardsFaults: true,
  stream: () => new ResponsesMeter(),
}

class ResponsesMeter implements StreamMeter {
  usage: TokenUsage | null = null
  ended = false
  fault: AnswerFault | null = null

  read(event: JsonObject): void {
    const { type, response } = event
    switch (type) {
      case 'response.completed':
      case 'response.incomplete':
        this.ended = true
        break
      case 'response.failed':
      case 'response.cancelled':
      case 'error': {
        const { message } = event
        const bare = typeof message === 'string' ? { message } : { message: 'The upstream reported an error.' }
        this.fault = decodeError(event) ?? bare
        break
      }
      default:
        return
    }
    if (isObject(response)) this.usage = usageOfAnswer(response) ?? this.usage
  }
}
