import type { RouteConfig } from '../../config/index.ts'
import { type Gate, GatewayError, type HeaderOverlay, type Hook } from '../../core/index.ts'
import { createRateCheck, createScopeCheck } from '../admit.ts'
import { createIdentify } from '../identify.ts'
import type { AuthParts } from './auth-parts.ts'

export type KeysConfig = NonNullable<NonNullable<RouteConfig['auth']>['keys']>

/** A key of ours is worth something here only: it does not go to the upstream under any of its names. */
const OVERLAY: HeaderOverlay = {
  removed: new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']),
  set: [],
}

/** Virtual keys that hold all of the scopes, within their own requests per minute. The principal is the key. */
export function createKeysAuth({ scopes }: KeysConfig, { keys, counters }: Pick<AuthParts, 'keys' | 'counters'>): Gate {
  const hooks: readonly Hook[] = [createIdentify(keys), ...scopes.map(createScopeCheck), createRateCheck(counters)]
  return (x) => {
    for (const hook of hooks) {
      const error = hook(x)
      if (error !== null) return error.status === 401 ? challenged(error) : error
    }
    x.overlay = OVERLAY
    return null
  }
}

function challenged({ code, message }: GatewayError): GatewayError {
  return new GatewayError(code, message, { authenticate: 'Bearer realm="ferro"' })
}
