import type { Usage } from './price.ts'

/** What vendors call the ordinary way, whose price is the plain one. */
const ORDINARY: ReadonlySet<string> = new Set([
  '',
  'auto',
  'default',
  'on_demand',
  'standard',
  'standard_only',
  'unspecified',
  // Of a region: none was asked for, or the model knows none.
  'global',
  'not_available',
])

/** How an answer says that it was served. */
export interface Ways {
  readonly tier?: unknown
  readonly speed?: unknown
  readonly region?: unknown
}

/** A usage with the ways in which the vendor served it, where they decide the price: flex, priority, batch, fast and the like. */
export function withWays(usage: Usage, { tier, speed, region }: Ways): Usage {
  if (tier === undefined && speed === undefined && region === undefined) return usage
  const ways = { serviceTier: special(tier), speed: special(speed), region: special(region) }
  if (ways.serviceTier === undefined && ways.speed === undefined && ways.region === undefined) return usage
  return { ...usage, ...Object.fromEntries(Object.entries(ways).filter(([, way]) => way !== undefined)) }
}

function special(word: unknown): string | undefined {
  if (typeof word !== 'string') return undefined
  const lower = word.toLowerCase()
  return ORDINARY.has(lower) ? undefined : lower
}
