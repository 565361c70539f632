/** An error as the API shows it: the status, and the members of its `error` object. */
export interface ApiError {
  readonly status: number
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that cannot be served as it is: 400. */
export function invalidRequest(message: string, param: string | null = null, code: string | null = null): ApiError {
  return { status: 400, message, type: 'invalid_request_error', param, code }
}

/** A model, path or method that does not exist. */
export function notFound(message: string, code: string | null): ApiError {
  return { status: 404, message, type: 'invalid_request_error', param: null, code }
}

const FAULTS: Readonly<Record<number, readonly [type: string, code: string | null, message: string]>> = {
  400: ['invalid_request_error', null, 'The demo provider was asked for a bad request.'],
  401: ['invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'],
  403: ['invalid_request_error', 'permission_denied', 'The project has no access to this model.'],
  404: ['invalid_request_error', 'model_not_found', 'The model does not exist or you do not have access to it.'],
  408: ['server_error', 'timeout', 'The request timed out.'],
  413: ['invalid_request_error', 'request_too_large', 'The request is too large.'],
  429: ['requests', 'rate_limit_exceeded', 'Rate limit reached. Please try again in 1s.'],
  500: ['server_error', null, 'The server had an error while processing your request.'],
  503: ['service_unavailable_error', null, 'The engine is currently overloaded, please try again later.'],
}

/** The error of a status that was asked for by a model's name; 429 and 503 say when to come back. */
export function faultOf(status: number): ApiError {
  const fallback = status >= 500 ? 500 : 400
  const [type, code, message] = FAULTS[status] ?? FAULTS[fallback] ?? ['server_error', null, '']
  const headers: Record<string, string> = status === 429 || status === 503 ? { 'retry-after': '1' } : {}
  return { status, message, type, param: null, code, headers }
}
