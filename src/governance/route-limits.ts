import type { RouteConfig } from '../config/index.ts'
import { type Exchange, type Gate, GatewayError, parseAddress, type SharedState } from '../core/index.ts'
import { monotonicUs } from '../lib/index.ts'
import { LIMIT_TABLE_CELLS, LimitTable } from './limit-table.ts'
import { type Rate, rateOf, take } from './rate-limit.ts'

type RateLimitConfig = RouteConfig['rate_limits'][number]
/** What a limit of a route needs to know of it. */
export type LimitedRoute = Pick<RouteConfig, 'id' | 'rate_limits' | 'auth'>

/** A piece of shared memory that a limit counts in. */
export interface LimitSlot {
  readonly name: string
  readonly cells: number
}

export interface RouteLimitParts {
  readonly counters: BigInt64Array
  /** First cell of a slot that `routeLimitSlots` asked for. */
  readonly indexOf: SharedState['indexOf']
}

const MINUTE_US = 60_000_000

/** Slots that the limits of a route need, for whoever allocates them. Their names survive a change of the numbers. */
export function routeLimitSlots({ id, rate_limits: limits }: LimitedRoute): LimitSlot[] {
  return limits.map((_, at) => slotOf(id, limits, at))
}

/**
 * The gates of a route's `rate_limits`, in their order; all workers count together. Throws an Error for a limit that
 * nobody could be counted by.
 */
export function createRouteLimits(route: LimitedRoute, parts: RouteLimitParts): Gate[] {
  return route.rate_limits.map((config, at) => createLimit(route, at, { config, parts }))
}

function createLimit(
  route: LimitedRoute,
  at: number,
  { config, parts }: { config: RateLimitConfig; parts: RouteLimitParts },
): Gate {
  const { by, requests_per_minute: perMinute } = config
  const rate: Rate = { ...rateOf(perMinute, MINUTE_US), burst: config.burst ?? perMinute }
  const index = parts.indexOf(slotOf(route.id, route.rate_limits, at))
  const told = teller(route, at, rate)
  const message = `Rate limit reached: ${perMinute} requests per minute ${PER[kindOf(by)]}.`
  const admit = (waitUs: number): GatewayError | null => {
    if (waitUs === 0) return null
    const seconds = Math.ceil(waitUs / 1_000_000)
    return new GatewayError('rate_limit_exceeded', `${message} Retry in ${seconds} s.`, { retryAfterSeconds: seconds })
  }
  if (by === 'route') {
    return (x) => {
      const nowUs = monotonicUs()
      const waitUs = take(parts.counters, index, nowUs, rate.intervalUs, rate.burst)
      told(x, Math.max(0, Number(Atomics.load(parts.counters, index)) - nowUs))
      return admit(waitUs)
    }
  }
  if (by === 'key' && !namesPrincipal(route)) {
    throw new Error(
      `rate_limits[${at}].by: \`key\` needs \`auth\` with \`keys\`, \`basic\` or \`jwt\`: nobody is named here`,
    )
  }
  const table = new LimitTable(parts.counters, index, rate)
  const identityOf = identitySource(by)
  return (x) => {
    const waitUs = table.take(identityOf(x), monotonicUs())
    told(x, table.aheadUs)
    return admit(waitUs)
  }
}

/**
 * Says in the answer what the limit is and what is left of it: `RateLimit-Policy` and `RateLimit`
 * (draft-ietf-httpapi-ratelimit-headers-10, 2025-09). Quota and window are the burst and the time in which it comes back.
 */
function teller({ rate_limits: limits }: LimitedRoute, at: number, { intervalUs, burst }: Rate) {
  const kind = kindOf(limits[at]?.by ?? '')
  const before = limits.slice(0, at).filter(({ by }) => kindOf(by) === kind).length
  const name = before === 0 ? kind : `${kind}-${before + 1}`
  const policy = `"${name}";q=${burst};w=${Math.ceil((burst * intervalUs) / 1_000_000)}`
  return (x: Exchange, aheadUs: number): void => {
    const left = Math.max(0, Math.floor(burst - aheadUs / intervalUs))
    const state = `"${name}";r=${left};t=${Math.ceil(aheadUs / 1_000_000)}`
    const held = x.gateHeaders
    if (held === null) x.gateHeaders = ['ratelimit-policy', policy, 'ratelimit', state]
    else {
      held[1] += `, ${policy}`
      held[3] += `, ${state}`
    }
  }
}

const PER = {
  key: 'for this caller',
  address: 'from this address',
  route: 'for this route',
  header: 'for this caller',
} as const

function kindOf(by: string): keyof typeof PER {
  return by === 'key' || by === 'address' || by === 'route' ? by : 'header'
}

/** A service that is asked says yes or no, and not who somebody is. */
function namesPrincipal({ auth }: LimitedRoute): boolean {
  return auth !== undefined && auth.forward === undefined
}

function identitySource(by: string): (x: Exchange) => string {
  if (by === 'key') return (x) => x.principal?.id ?? ''
  if (by === 'address') return (x) => addressIdentity(x.origin?.address ?? x.client.address ?? '')
  const name = by.slice('header:'.length).toLowerCase()
  // Every line counts: else a client would be somebody else by adding one. Those who send none count together.
  return ({ head }) => head.values.filter((_, at) => head.names[at] === name).join(', ')
}

/**
 * Who counts as one: an IPv4 address, or the /64 network that a site gets at least of IPv6 (RFC 6177). The text is an
 * address in any spelling. By hand: the parser of URLs takes twenty times as long.
 */
export function addressIdentity(text: string): string {
  if (!text.includes(':')) return text
  const [head = '', tail] = text
    .replace(/%.*$/s, '')
    .replace(/[\d.]+\.\d+$/, '0:0')
    .split('::')
  const groups = head === '' ? [] : head.split(':')
  const behind = tail === undefined || tail === '' ? [] : tail.split(':')
  while (groups.length + behind.length < 8) groups.push('0')
  const numbers = [...groups, ...behind].map((group) => Number.parseInt(group, 16))
  if (numbers[5] === 0xffff && numbers.slice(0, 5).every((group) => group === 0)) {
    const address = parseAddress(text)
    if (address !== null) return dotted(address.value)
  }
  return numbers
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')
}

function dotted(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')
}

/** Of two limits by the same, the second has a number: their order is their name. */
function slotOf(route: string, limits: readonly RateLimitConfig[], at: number): LimitSlot {
  const by = limits[at]?.by ?? ''
  const before = limits.slice(0, at).filter((other) => other.by === by).length
  return { name: ['limit', route, by, before].join('\n'), cells: by === 'route' ? 1 : LIMIT_TABLE_CELLS }
}
