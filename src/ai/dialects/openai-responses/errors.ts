import type { GatewayError } from '../../../core/index.ts'
import type { AnswerFault } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { decodeError as decodeChatError, encodeError as encodeChatError } from '../openai-chat/errors.ts'

/** The vendor's error object: the same for all of its APIs. */
export function encodeError(error: GatewayError): JsonObject {
  return encodeChatError(error)
}

/** What an error body says, or an answer or event that failed; null for anything else. */
export function decodeError(body: JsonObject): AnswerFault | null {
  const { response } = body
  // `response.failed` holds the whole answer with its error.
  if (isObject(response) && isObject(response['error'])) return decodeChatError(response)
  return decodeChatError(body)
}

/** Why an answer failed, in the closed set of words that the vendor has there. */
export function failureOf(error: GatewayError): JsonObject {
  return { code: error.status === 429 ? 'rate_limit_exceeded' : 'server_error', message: error.message }
}
