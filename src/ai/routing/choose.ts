import { type Exchange, GatewayError } from '../../core/index.ts'
import { type KeyPrincipal, levelInWords, POLICY, principalOf } from '../../governance/index.ts'
import { monotonicUs } from '../../lib/index.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { RequestFacts, RoutingContext, RoutingTarget } from './contract.ts'
import type { Refuse } from './filter.ts'
import type { ModelGroup } from './model-group.ts'
import type { Order } from './order.ts'
import { hasTags, requiredTags } from './required-tags.ts'
import { deniedAmong } from './visibility.ts'

export interface ChoiceOptions {
  readonly registry: ModelRegistry
  readonly group: ModelGroup
  readonly facts: RequestFacts
  /** Whether a target can do at all what is asked of it; absent: it can. */
  readonly serves?: (target: RoutingTarget) => boolean
}

/**
 * The order in which a request asks the targets of a group, or why it asks none. It holds at least one target that may be
 * asked now; who is done with it gives it back to `group.orders`.
 */
export function chooseOrder(x: Exchange, options: ChoiceOptions): Order | GatewayError {
  const { registry, group, facts } = options
  const { statistics, random } = registry
  const context = { facts, statistics, random, nowMs: monotonicUs() / 1000, wallMs: x.time }
  const order = group.orders.make(context, refusalsOf(principalOf(x), options))
  if (order.ready > 0 || (order.count > 0 && order.waitMs === 0)) return order
  const problem = order.count > 0 ? resting(facts.model, order, context) : nothingLeft(x, options)
  group.orders.giveBack(order)
  return problem
}

/** The first target of such an order. */
export function chooseTarget(x: Exchange, options: ChoiceOptions): RoutingTarget | GatewayError {
  const order = chooseOrder(x, options)
  if (order instanceof GatewayError) return order
  const target = order.at(0)
  options.group.orders.giveBack(order)
  if (target === null) throw new Error(`request ${x.id} has an order without a target`)
  return target
}

/** A key may be served by every target that leads to no name it is denied. */
export function refusalsOf(
  principal: KeyPrincipal,
  { registry, facts, serves }: Pick<ChoiceOptions, 'registry' | 'facts' | 'serves'>,
): Refuse {
  const denies = principal.hasDenyLists || registry.keepsTargets
  const required = requiredTags(facts)
  if (!denies && serves === undefined && required === null) return null
  const names = denies ? registry.namesOf(facts.model) : null
  const denied = names === null ? null : deniedAmong(principal, names)
  return (target, position) => {
    if (denied !== null && denied[position] === 1) return 'denied'
    if (!hasTags(target.tags, required)) return 'untagged'
    return serves === undefined || serves(target) ? null : 'not_served'
  }
}

/** Nobody may be asked now: since all servers said that they were asked too much, or since some do not work. */
function resting(model: string, order: Order, { statistics, nowMs }: RoutingContext): GatewayError {
  const seconds = Math.max(1, Math.ceil(order.waitMs / 1000))
  let throttled = 0
  for (let place = 0; place < order.count; place++) {
    const target = order.at(place)
    if (target !== null && statistics.isThrottled(target, nowMs)) throttled++
  }
  if (throttled === order.count) {
    const told = `Every target of the model "${shorten(model)}" asked for a pause; try again in ${seconds} s.`
    return new GatewayError('upstream_rate_limited', told, { retryAfterSeconds: seconds })
  }
  const message = `Every target of the model "${shorten(model)}" failed lately and is left alone for now; try again in ${seconds} s.`
  return new GatewayError('upstream_unavailable', message, { retryAfterSeconds: seconds })
}

function nothingLeft(x: Exchange, { registry, group: { orders }, facts: { model } }: ChoiceOptions): GatewayError {
  if (orders.drops.includes('not_served')) {
    const message = `The model "${shorten(model)}" is not served at this path: its providers have no such endpoint.`
    return new GatewayError('resource_not_found', message, { param: 'model' })
  }
  if (orders.drops.includes('untagged')) {
    const message = `No target of the model "${shorten(model)}" that may serve this request has the tags of x-ferro-require-tags.`
    return new GatewayError('invalid_request', message, { param: 'x-ferro-require-tags' })
  }
  if (orders.drops.includes('unpriced')) return unpriced(model)
  const at = orders.drops.indexOf('denied')
  if (at >= 0) {
    const names = registry.namesOf(model)?.[at]
    return deniedBy(principalOf(x), names === undefined ? null : principalOf(x).refusing(names), model)
  }
  const message = `The model "${shorten(model)}" has no target for this request: they are switched off, or its rules name none. Ask the operator.`
  return new GatewayError('upstream_unavailable', message)
}

function unpriced(model: string): GatewayError {
  const message = `The model "${shorten(model)}" has no price, and models without one are not served here. Ask the operator to set one.`
  return new GatewayError('unpriced', message, { param: 'model' })
}

/** The answer for a model that the key may not use, or the level of it that `by` names. */
export function denied(model: string, by = 'this API key'): GatewayError {
  const who = by.charAt(0).toUpperCase() + by.slice(1)
  const message = `${who} may not use the model "${shorten(model)}". GET /v1/models lists what it may.`
  return new GatewayError('resource_denied', message, { param: 'model' })
}

/** The same for the level, or the policy, of this name. */
export function deniedBy(principal: KeyPrincipal, level: string | null, model: string): GatewayError {
  if (level === null) return denied(model)
  if (!level.startsWith(POLICY) || principal.ruling === null) return denied(model, levelInWords(level))
  return principal.ruling.refusal(level, `The model "${shorten(model)}" is not allowed`, 'model')
}

/** A name as it may stand in a message. */
export function shorten(name: string): string {
  return name.length > 128 ? `${name.slice(0, 128)}…` : name
}
