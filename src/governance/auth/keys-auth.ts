import type { RouteConfig } from '../../config/index.ts'
import { type Gate, GatewayError, type HeaderOverlay } from '../../core/index.ts'
import { createRateCheck, createScopeCheck, levelCheck } from '../admit.ts'
import { createIdentify } from '../identify.ts'
import { createPolicyGate } from '../policy/policy-gate.ts'
import type { AuthParts } from './auth-parts.ts'

export type KeysConfig = NonNullable<NonNullable<RouteConfig['auth']>['keys']>

/** A key of ours is worth something here only: it does not go to the upstream under any of its names. */
const OVERLAY: HeaderOverlay = {
  removed: new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']),
  set: [],
}

/** Virtual keys that hold all of the scopes, within the limits of all their levels. The principal is the key. */
export function createKeysAuth(
  { scopes }: KeysConfig,
  { keys, desk, policies = null, others = [] }: Pick<AuthParts, 'keys' | 'desk' | 'policies' | 'others'>,
): Gate[] {
  const identify = createIdentify(keys, { others })
  return [
    (x) => {
      const verdict = identify(x)
      x.overlay = OVERLAY
      return verdict instanceof GatewayError && verdict.status === 401 ? challenged(verdict) : verdict
    },
    levelCheck,
    ...scopes.map(createScopeCheck),
    ...(policies === null ? [] : [createPolicyGate(policies)]),
    createRateCheck(desk),
  ]
}

function challenged({ code, message }: GatewayError): GatewayError {
  return new GatewayError(code, message, { authenticate: 'Bearer realm="ferro"' })
}
