/**
 * The one error class and the closed table of codes. Below the surface nobody knows status lines or error bodies:
 * a route's `renderError` puts a GatewayError into the client's own dialect.
 */

/** Whose fault it is: shown in records and metrics, decides what retry policies may do. */
export type FaultSource = 'client' | 'upstream' | 'gateway'

/** `never`: the same request fails again. `safe`: nothing was sent upstream. `later`: the condition passes. */
export type Retry = 'never' | 'safe' | 'later'

interface ErrorRow {
  readonly status: number
  readonly source: FaultSource
  readonly retry: Retry
}

/**
 * Every kind of failure. What a code is called in public is its route's `codeName`; those names are stable, and
 * docs/errors.md lists them.
 */
export const ERROR_CODES = {
  // The message itself
  malformed_request: { status: 400, source: 'client', retry: 'never' },
  invalid_target: { status: 400, source: 'client', retry: 'never' },
  forbidden: { status: 403, source: 'client', retry: 'never' },
  unauthorized: { status: 401, source: 'client', retry: 'never' },
  invalid_json: { status: 400, source: 'client', retry: 'never' },
  invalid_request: { status: 400, source: 'client', retry: 'never' },
  conversion_lossy: { status: 400, source: 'client', retry: 'never' },
  unsupported_parameter: { status: 400, source: 'client', retry: 'never' },
  request_timeout: { status: 408, source: 'client', retry: 'later' },
  request_too_large: { status: 413, source: 'client', retry: 'never' },
  uri_too_long: { status: 414, source: 'client', retry: 'never' },
  unsupported_media_type: { status: 415, source: 'client', retry: 'never' },
  expectation_failed: { status: 417, source: 'client', retry: 'never' },
  headers_too_large: { status: 431, source: 'client', retry: 'never' },
  version_not_supported: { status: 505, source: 'client', retry: 'never' },
  // Matching
  not_found: { status: 404, source: 'client', retry: 'never' },
  method_not_allowed: { status: 405, source: 'client', retry: 'never' },
  resource_not_found: { status: 404, source: 'client', retry: 'never' },
  // Who may do how much
  missing_api_key: { status: 401, source: 'client', retry: 'never' },
  invalid_api_key: { status: 401, source: 'client', retry: 'never' },
  address_not_allowed: { status: 403, source: 'client', retry: 'never' },
  insufficient_scope: { status: 403, source: 'client', retry: 'never' },
  level_disabled: { status: 403, source: 'client', retry: 'never' },
  external_auth_denied: { status: 403, source: 'client', retry: 'never' },
  external_auth_unavailable: { status: 503, source: 'gateway', retry: 'safe' },
  rbac_denied: { status: 403, source: 'client', retry: 'never' },
  policy_denied: { status: 403, source: 'client', retry: 'never' },
  resource_denied: { status: 403, source: 'client', retry: 'never' },
  unpriced: { status: 403, source: 'client', retry: 'never' },
  budget_exceeded: { status: 402, source: 'client', retry: 'never' },
  rate_limit_exceeded: { status: 429, source: 'client', retry: 'later' },
  // Upstream
  upstream_unreachable: { status: 502, source: 'upstream', retry: 'safe' },
  upstream_unavailable: { status: 503, source: 'upstream', retry: 'safe' },
  egress_denied: { status: 502, source: 'gateway', retry: 'never' },
  upstream_closed: { status: 502, source: 'upstream', retry: 'later' },
  upstream_auth: { status: 502, source: 'upstream', retry: 'never' },
  upstream_error: { status: 502, source: 'upstream', retry: 'later' },
  upstream_invalid_response: { status: 502, source: 'upstream', retry: 'later' },
  upstream_rejected: { status: 400, source: 'upstream', retry: 'never' },
  upstream_rate_limited: { status: 429, source: 'upstream', retry: 'later' },
  upstream_overloaded: { status: 503, source: 'upstream', retry: 'later' },
  upstream_tls: { status: 502, source: 'upstream', retry: 'safe' },
  upstream_timeout: { status: 504, source: 'upstream', retry: 'later' },
  upstream_truncated: { status: 502, source: 'upstream', retry: 'later' },
  // Ourselves
  saturated: { status: 503, source: 'gateway', retry: 'safe' },
  draining: { status: 503, source: 'gateway', retry: 'safe' },
  journal_unavailable: { status: 503, source: 'gateway', retry: 'safe' },
  governance_backend_unavailable: { status: 503, source: 'gateway', retry: 'safe' },
  not_ready: { status: 503, source: 'gateway', retry: 'safe' },
  internal_error: { status: 500, source: 'gateway', retry: 'later' },
  // The client left: never sent, only recorded
  client_closed: { status: 499, source: 'client', retry: 'never' },
  client_stalled: { status: 499, source: 'client', retry: 'never' },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERROR_CODES

export interface GatewayErrorOptions {
  readonly cause?: unknown
  /** Overrides the table's status (an upstream's own status that is passed on). */
  readonly status?: number
  /** What kind of error it is among those of its code: a word of whoever made it, for whoever knows it. */
  readonly reason?: string
  /** The field of the request that is wrong, in the client's words. */
  readonly param?: string
  /** Seconds until a retry may succeed: sent as `Retry-After`. */
  readonly retryAfterSeconds?: number
  /** Methods for `Allow`. */
  readonly allow?: string
  /** How to say who one is: a challenge for `WWW-Authenticate` (RFC 9110, 11.6.1). */
  readonly authenticate?: string
  /** Headers of the upstream that tell when and how much may be asked: whoever renders the error says them. */
  readonly limits?: Readonly<Record<string, string | string[] | undefined>>
  /** An error body of the upstream that may be passed on unchanged; already free of secrets. */
  readonly body?: Buffer
  readonly contentType?: string
}

/** A failure with everything an operator and a client need; its message is safe to show. */
export class GatewayError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly source: FaultSource
  readonly retry: Retry
  readonly reason: string | null
  readonly param: string | null
  readonly retryAfterSeconds: number | null
  readonly allow: string | null
  readonly authenticate: string | null
  readonly limits: Readonly<Record<string, string | string[] | undefined>> | null
  readonly body: Buffer | null
  readonly contentType: string | null

  constructor(code: ErrorCode, message: string, options?: GatewayErrorOptions) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    const row: ErrorRow = ERROR_CODES[code]
    this.name = 'GatewayError'
    this.code = code
    this.status = options?.status ?? row.status
    this.source = row.source
    this.retry = row.retry
    this.reason = options?.reason ?? null
    this.param = options?.param ?? null
    this.retryAfterSeconds = options?.retryAfterSeconds ?? null
    this.allow = options?.allow ?? null
    this.authenticate = options?.authenticate ?? null
    this.limits = options?.limits ?? null
    this.body = options?.body ?? null
    this.contentType = options?.contentType ?? null
  }

  /** The same with another wait; the upstream's limits are its own, and not those of whoever else may answer. */
  withRetryAfter(seconds: number): GatewayError {
    const { code, message, status, reason, param, allow, authenticate, body, contentType, cause } = this
    return new GatewayError(code, message, {
      cause,
      status,
      retryAfterSeconds: seconds,
      ...(reason === null ? {} : { reason }),
      ...(param === null ? {} : { param }),
      ...(allow === null ? {} : { allow }),
      ...(authenticate === null ? {} : { authenticate }),
      ...(body === null ? {} : { body }),
      ...(contentType === null ? {} : { contentType }),
    })
  }
}
