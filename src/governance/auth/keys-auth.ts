import type { RouteConfig } from '../../config/index.ts'
import { type Gate, GatewayError, type HeaderOverlay, type Hook } from '../../core/index.ts'
import { createRateCheck, createScopeCheck, levelCheck } from '../admit.ts'
import { createIdentify } from '../identify.ts'
import type { AuthParts } from './auth-parts.ts'

export type KeysConfig = NonNullable<NonNullable<RouteConfig['auth']>['keys']>

/** A key of ours is worth something here only: it does not go to the upstream under any of its names. */
const OVERLAY: HeaderOverlay = {
  removed: new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']),
  set: [],
}

/** Virtual keys that hold all of the scopes, within the limits of all their levels. The principal is the key. */
export function createKeysAuth({ scopes }: KeysConfig, { keys, desk }: Pick<AuthParts, 'keys' | 'desk'>): Gate {
  const rate = createRateCheck(desk)
  const hooks: readonly Hook[] = [createIdentify(keys), levelCheck, ...scopes.map(createScopeCheck)]
  return (x) => {
    for (const hook of hooks) {
      const error = hook(x)
      if (error !== null) return error.status === 401 ? challenged(error) : error
    }
    x.overlay = OVERLAY
    return rate(x)
  }
}

function challenged({ code, message }: GatewayError): GatewayError {
  return new GatewayError(code, message, { authenticate: 'Bearer realm="ferro"' })
}
