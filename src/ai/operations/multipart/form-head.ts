import { bodyTooLarge, type Exchange, expectBody, GatewayError } from '../../../core/index.ts'
import { boundaryOf } from './part-scanner.ts'

/** The boundary of the form that a request says it has, whose client was told to send it; or why it is not taken. */
export function beginForm(x: Exchange, limit: number): string | GatewayError {
  const { head } = x
  const boundary = boundaryOf(head.contentType)
  if (boundary === null) {
    const message = 'The body must be a form: send Content-Type: multipart/form-data with one boundary.'
    return new GatewayError('unsupported_media_type', message)
  }
  if (head.contentEncoding !== null && head.contentEncoding.toLowerCase() !== 'identity') {
    return new GatewayError('unsupported_media_type', 'A compressed form is not taken; send it uncompressed.')
  }
  if (head.contentLength > limit) return bodyTooLarge(limit)
  if (!head.chunked && head.contentLength <= 0) return new GatewayError('invalid_request', 'The form has no body.')
  return expectBody(x) ?? boundary
}

/** Why a form cannot be read. */
export function malformedForm(what: string): GatewayError {
  return new GatewayError('invalid_request', `The form ${what}.`)
}
