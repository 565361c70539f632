import { GatewayError } from '../../../core/index.ts'
import type { KeyPrincipal } from '../../../governance/index.ts'
import { chargeBy } from '../../models/charge.ts'
import { worstCost } from '../../models/price.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ModelTarget } from '../../models/target.ts'
import { deniedBy, shorten } from '../../routing/choose.ts'
import { mayBeServed, mayUseEverything } from '../../routing/visibility.ts'
import { NOTHING } from '../usage.ts'

/** Who asks, and who is to do the work. */
export interface BatchParty {
  readonly registry: ModelRegistry
  readonly principal: KeyPrincipal
  /** Name of the provider that all of a batch goes to. */
  readonly provider: string
}

/** The target of the batch's provider that a name leads to, if the key may use it; else what to tell the client. */
export function batchTarget({ registry, principal, provider }: BatchParty, name: string): ModelTarget | GatewayError {
  const direct = name.startsWith(`${provider}/`) ? name : `${provider}/${name}`
  let elsewhere: string | null = null
  let denied: string | null = null
  for (const spelling of name === direct ? [name] : [name, direct]) {
    const group = registry.resolve(spelling)
    if (group === null) continue
    const names = registry.namesOf(spelling)
    for (const [position, { target, enabled }] of group.targets.entries()) {
      if (target.provider !== provider) elsewhere ??= target.provider
      else if (enabled) {
        const own = names?.[position]
        if (mayUseEverything(principal, registry) || (own !== undefined && mayBeServed(principal, own))) {
          return target
        }
        denied = (own === undefined ? null : principal.refusing(own)) ?? ''
      }
    }
  }
  const shown = shorten(name)
  if (denied !== null) return deniedBy(principal, denied === '' ? null : denied, name)
  if (elsewhere !== null) {
    const message = `The model "${shown}" is served by the provider "${elsewhere}", and this batch goes to "${provider}": all lines of a batch go to one provider. Make one batch for each (x-ferro-provider names the provider).`
    return new GatewayError('invalid_request', message, { param: 'model' })
  }
  const message = `The model "${shown}" does not exist here. GET /v1/models lists what this key may use.`
  return new GatewayError('resource_not_found', message, { param: 'model' })
}

/** The tier in which vendors serve batches. */
const BATCH = 'batch'

/** What so many tokens cost at most in a batch; null where the model has no price. */
export function batchNanos({ prices }: ModelTarget, input: number, output: number, atMs: number): number | null {
  if (prices === null) return null
  const used = { ...NOTHING, inputTokens: input, outputTokens: output, serviceTier: BATCH }
  const dearest = worstCost(prices, input, output, atMs)
  // Where the vendor has no price for batches, they cost what others do.
  return Math.min(dearest, chargeBy(prices, used, atMs).nanos ?? dearest)
}
