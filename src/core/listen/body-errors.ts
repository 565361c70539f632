import { GatewayError } from '../errors.ts'

/** A body has, or says that it has, more bytes than its route takes. */
export function bodyTooLarge(limit: number): GatewayError {
  return new GatewayError('request_too_large', `The body is larger than the limit of ${limit} bytes.`)
}

/** The bodies of all requests together take as much memory as they may. */
export function bodyMemoryFull(): GatewayError {
  const message = 'Too many request bodies are in memory; try again soon.'
  return new GatewayError('saturated', message, { retryAfterSeconds: 1 })
}

/** The client has begun a body and sends no more of it. */
export function bodyIdle(idleMs: number): GatewayError {
  return new GatewayError('request_timeout', `No byte of the body arrived for ${Math.round(idleMs / 1000)} s.`)
}
