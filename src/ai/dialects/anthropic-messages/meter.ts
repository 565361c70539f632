import type { AnswerFault, TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { AnswerMeter, StreamMeter } from '../../relay/answer-meter.ts'
import { decodeError } from './errors.ts'
import { decodeUsage, mergedUsage } from './usage.ts'

/** What is read of Messages answers that are relayed. */
export const messagesMeter: AnswerMeter = {
  // Pings and the frames of blocks are no output; an envelope is that of a `text_delta`.
  textEvents: { hint: '"content_block_delta"', envelope: 112 },
  hints: ['"usage"', '"message_stop"', '"error"'],

  readUsage({ usage }) {
    return isObject(usage) ? decodeUsage(usage) : null
  },

  faultOf,
  stream: () => new MessagesMeter(),
}

function faultOf(body: JsonObject): AnswerFault | null {
  return body['type'] === 'error' ? decodeError(body) : null
}

class MessagesMeter implements StreamMeter {
  usage: TokenUsage | null = null
  ended = false
  fault: AnswerFault | null = null
  #raw: JsonObject | null = null

  read(event: JsonObject): void {
    switch (event['type']) {
      case 'message_start':
        return this.#add(isObject(event['message']) ? event['message']['usage'] : undefined)
      case 'message_delta':
        return this.#add(event['usage'])
      case 'message_stop':
        this.ended = true
        return
      case 'error':
        this.fault = decodeError(event)
    }
  }

  #add(usage: unknown): void {
    if (!isObject(usage)) return
    this.#raw = this.#raw === null ? usage : mergedUsage(this.#raw, usage)
    this.usage = decodeUsage(this.#raw)
  }
}
