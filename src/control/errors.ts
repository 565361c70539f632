/** Every code that the control listener answers with. Codes are public and stable. */
export const CONTROL_CODES = {
  malformed_request: 400,
  invalid_request: 400,
  invalid_json: 400,
  invalid_admin_token: 401,
  insufficient_scope: 403,
  grant_exceeded: 403,
  host_not_allowed: 403,
  origin_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  read_only: 409,
  request_too_large: 413,
  unsupported_media_type: 415,
  expectation_failed: 417,
  too_many_failures: 429,
  headers_too_large: 431,
  internal_error: 500,
  not_stored: 503,
  not_ready: 503,
  version_not_supported: 505,
} as const

export type ControlCode = keyof typeof CONTROL_CODES

export interface ControlErrorOptions {
  /** The field, parameter or header that is wrong, in the caller's words. */
  readonly param?: string
  /** Further headers of the answer, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** A request that the control listener refuses; the message is safe to show and says what to do next. */
export class ControlError extends Error {
  readonly code: ControlCode
  readonly status: number
  readonly param: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ControlCode, message: string, options: ControlErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ControlError'
    this.code = code
    this.status = CONTROL_CODES[code]
    this.param = options.param ?? null
    this.headers = options.headers ?? {}
  }
}

/** The kind of an error, by which clients tell whether to mend the request, to wait, or to call the operator. */
export function errorType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}
