import type { AnswerFault } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'

/** What an error body says: `{id, message}`; null when it is none of this dialect. */
export function decodeError(body: JsonObject): AnswerFault | null {
  const { message, type, error_type: kind = type } = body
  if (typeof message !== 'string') return null
  return { message, ...(typeof kind === 'string' && { kind }) }
}
