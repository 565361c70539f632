import { isObject, type JsonObject } from '../ir/json.ts'
import type { Usage } from './price.ts'

/** What vendors call the ordinary way, whose price is the plain one. */
const ORDINARY: ReadonlySet<string> = new Set([
  '',
  'auto',
  'default',
  'on_demand',
  'scale',
  'standard',
  'standard_only',
])

/** A usage with the way in which the vendor served it, where that decides the price: flex, priority, batch and the like. */
export function withTier(usage: Usage, tier: unknown): Usage {
  return typeof tier !== 'string' || ORDINARY.has(tier) ? usage : { ...usage, serviceTier: tier }
}

/**
 * The tier that a whole answer, or an event of a stream, tells: at its top, with its usage, or within the answer or message that
 * the event holds. Undefined where it tells none.
 */
export function tierIn(body: JsonObject): unknown {
  const { service_tier: own, usage, response, message } = body
  if (own !== undefined) return own
  if (isObject(usage) && usage['service_tier'] !== undefined) return usage['service_tier']
  if (isObject(response)) return tierIn(response)
  return isObject(message) ? tierIn(message) : undefined
}
