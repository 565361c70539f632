import type { AnswerFault } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'

/**
 * Errors of the AWS JSON protocol: `{message}`, with its type in the header `x-amzn-errortype` and, at some services, in
 * `__type`, there behind a name space and a `#`. Some write `Message`.
 */
export function decodeError(body: JsonObject): AnswerFault | null {
  const message = body['message'] ?? body['Message']
  if (typeof message !== 'string') return null
  const type = body['__type']
  return { message, kind: typeof type === 'string' ? errorKind(type) : undefined }
}

/** The bare name of an exception. */
export function errorKind(type: string): string {
  const name = type.slice(type.indexOf('#') + 1)
  const colon = name.indexOf(':')
  return colon < 0 ? name : name.slice(0, colon)
}
