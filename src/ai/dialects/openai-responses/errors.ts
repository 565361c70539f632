import type { GatewayError } from '../../../core/index.ts'
import type { AnswerFault } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { clientCodeName } from '../code-names.ts'
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

/** Words of the vendor for an answer that failed, and one that its own clients look for there: to shorten what they ask. */
const FAILURES: ReadonlyMap<string, string> = new Map([
  ['context_length_exceeded', 'context_length_exceeded'],
  ['content_filter', 'invalid_prompt'],
])

/** Why an answer failed, in the set of words that the vendor's clients know there. */
export function failureOf(error: GatewayError): JsonObject {
  const known = FAILURES.get(clientCodeName(error))
  const code = known ?? (error.status === 429 ? 'rate_limit_exceeded' : 'server_error')
  return { code, message: error.message }
}
