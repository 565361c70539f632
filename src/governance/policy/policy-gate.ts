import type { Hook } from '../../core/index.ts'
import { principalOf } from '../identify.ts'
import type { Policies } from './policies.ts'

/**
 * Puts the request's principal under the policies that apply, and refuses what they refuse whatever the body says. Stands behind
 * `identify` and before the limits, so that what is refused takes nothing of them.
 */
export function createPolicyGate(policies: Policies): Hook {
  return (x) => {
    const route = x.route?.name ?? ''
    const address = x.origin?.address ?? x.client.address ?? ''
    const principal = policies.under(principalOf(x), { address, timeMs: x.time, route })
    x.principal = principal
    return principal.ruling === null ? null : principal.ruling.refusingRoute(route)
  }
}
