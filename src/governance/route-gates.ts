import type { RouteConfig } from '../config/index.ts'
import type { Gate } from '../core/index.ts'
import type { AuthParts } from './auth/auth-parts.ts'
import { createRouteAuth } from './auth/route-auth.ts'
import { createRouteLimits, type RouteLimitParts } from './route-limits.ts'

export type RouteGateParts = AuthParts & RouteLimitParts

/**
 * All gates of a route in the order in which they are asked. Limits by address come before anybody is identified, so
 * that they also slow down who guesses passwords; the others after, so that nobody who is refused uses them up.
 */
export function createRouteGates(
  route: Pick<RouteConfig, 'id' | 'auth' | 'rate_limits'>,
  parts: RouteGateParts,
): Gate[] {
  const limits = createRouteLimits(route, parts)
  const isEarly = (at: number) => route.rate_limits[at]?.by === 'address'
  return [
    ...limits.filter((_, at) => isEarly(at)),
    ...(route.auth === undefined ? [] : createRouteAuth(route.auth, parts)),
    ...limits.filter((_, at) => !isEarly(at)),
  ]
}
