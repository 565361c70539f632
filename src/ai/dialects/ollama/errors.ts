import type { AnswerFault } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'

/** What an error body says: `{error}` with a text; null when it is none of this dialect. */
export function decodeError(body: JsonObject): AnswerFault | null {
  const { error } = body
  return typeof error === 'string' ? { message: error } : null
}
