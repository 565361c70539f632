import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { settle } from '../settle.ts'
import { refuse } from './refuse.ts'

/** An exception confined to its request: reported, answered with 500, the process lives on. */
export function fault(x: Exchange, error: unknown): void {
  try {
    if (error instanceof GatewayError) return refuse(x, error)
    x.gateway.onFault(error, x)
    refuse(x, new GatewayError('internal_error', `The gateway failed on this request (${x.id}).`, { cause: error }))
  } catch (second) {
    // The error cannot be sent either (a route puts a header on it that no answer may have).
    x.gateway.onFault(second, x)
    x.client.cut()
    settle(x)
  }
}
