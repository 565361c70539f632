import { GatewayError } from '../core/index.ts'

/** Refuses a request for one of its fields; `message` is the whole sentence. */
export function wrongField(param: string, message: string): GatewayError {
  return new GatewayError('invalid_request', message, { param })
}

/** The same, for a field that is not what it must be: `"a whole number"`. */
export function mustBe(param: string, expected: string): GatewayError {
  return wrongField(param, `"${param}" must be ${expected}.`)
}
