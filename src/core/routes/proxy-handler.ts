import type { RouteConfig } from '../../config/index.ts'
import { Balancer } from '../balance/balancer.ts'
import { Breaker, type BreakerRules } from '../balance/breaker.ts'
import { type KeySource, keyOf, NO_KEY } from '../balance/hash-key.ts'
import { statusSet } from '../balance/outcome.ts'
import { createPolicy } from '../balance/policy.ts'
import { RetryBudget, type RetryBudgetRules } from '../balance/retry-budget.ts'
import { breakerSlot, retryBudgetSlot, type SlotNeed } from '../balance/slots.ts'
import type { ProxyRules, ProxyServers } from '../proxy/proxied-request.ts'
import { createProxyInspect, ProxyCandidate, RELAY_ABOVE } from '../proxy/proxy-route.ts'
import { type RewriteRules, rewriteOf } from '../proxy/rewrite.ts'
import { compileUpgradeOrigins } from '../proxy/upgrade-origins.ts'
import type { PoolMembers, UpstreamPool } from '../proxy/upstream-pool.ts'
import { compileHeaderEdits } from './header-edits.ts'
import { placeOf } from './route-guard.ts'
import type { HandlerParts, RouteParts } from './route-parts.ts'

const BREAKER_JITTER = 0.2
const PROBE_LEASE_MS = 30_000

type ProxyParts = RouteParts & { readonly rewrite: RewriteRules | null }

/** A route that a pool of servers answers. */
export function proxyHandler(config: RouteConfig, parts: RouteParts): HandlerParts {
  const pool = parts.pool(config.upstream ?? '')
  const rewrite = rewriteOf(config, parts.hasGuards === true ? placeOf(config) : null)
  const bodyLimit = config.max_body ?? parts.bodyLimit
  return {
    bodyLimit,
    bodyTotalMs: config.timeouts.body_total ?? null,
    relayAbove: RELAY_ABOVE,
    encodedBody: 'pass',
    inspect: createProxyInspect({
      rules: rulesOf(config, pool, { ...parts, rewrite }),
      rewrite,
      bodyLimit,
      upgrades: config.upgrade,
      upgradeOrigins: compileUpgradeOrigins(config),
    }),
  }
}

/** Slots that a route's pool needs for this route, for whoever allocates them. */
export function routeSlots(config: RouteConfig, targets: readonly string[], seats: number): SlotNeed[] {
  return [retryBudgetSlot(config.id), ...targets.map((id) => breakerSlot(config.id, id, seats))]
}

function rulesOf(config: RouteConfig, pool: UpstreamPool, parts: ProxyParts): ProxyRules {
  const { shared, now } = parts
  const { timeouts, retry } = config
  const budgetIndex = shared.indexOf(retryBudgetSlot(config.id))
  return {
    pool: pool.name,
    servers: serversOf(config, pool, parts),
    retry: {
      attempts: retry.attempts,
      attemptsPerTarget: retry.attempts_per_target,
      statuses: new Set(retry.on),
      unsafe: retry.unsafe,
    },
    budget: new RetryBudget(shared.cells, budgetIndex, budgetRules(retry)),
    backoff: { baseMs: retry.backoff, maxMs: retry.max_backoff, maxRetryAfterMs: retry.max_backoff },
    totalMs: timeouts.total,
    keyOf: keyedBy(pool.keySource),
    now,
    random: Math.random,
  }
}

/** What a second gives can be had at once, however small the burst. */
export function budgetRules(retry: RouteConfig['retry']): RetryBudgetRules {
  const { budget_share: share, budget_per_second: minimumPerSecond, budget_burst: burst } = retry
  return { share, minimumPerSecond, capacity: Math.max(burst, minimumPerSecond) }
}

/** Follows the pool: made anew at the first request after its servers have changed. */
function serversOf(config: RouteConfig, pool: UpstreamPool, parts: ProxyParts): () => ProxyServers {
  const { timeouts } = config
  const edit = compileHeaderEdits(config.request_headers)
  const limits = {
    connectMs: timeouts.connect,
    pendingMs: pool.pendingMs,
    firstByteMs: timeouts.first_byte,
    firstByteStreamMs: timeouts.first_byte,
    idleMs: timeouts.idle,
    totalMs: timeouts.total,
  }
  const candidatesOf = ({ targets }: PoolMembers) =>
    targets.map(
      ({ id, transport }) =>
        new ProxyCandidate({
          // Clients read the name in errors: where the servers are is none of their business.
          upstream: { name: pool.name, origin: id, transport, timeouts: limits },
          edit,
          host: pool.host,
          maxResponse: pool.maxResponse,
          trusted: parts.trusted,
          rewrite: parts.rewrite,
        }),
    )
  let { members } = pool
  let servers = { candidates: candidatesOf(members), balancer: balancerOf(config, pool, parts) }
  return () => {
    if (members !== pool.members) {
      members = pool.members
      servers = { candidates: candidatesOf(members), balancer: balancerOf(config, pool, parts) }
    }
    return servers
  }
}

function balancerOf(config: RouteConfig, pool: UpstreamPool, { shared, now }: RouteParts): Balancer {
  const { targets, states, ejector } = pool.members
  const rules = breakerRules(config)
  const { cells, seat } = shared
  return new Balancer({
    states,
    policy: createPolicy(pool.policy, { targets, states, seat, random: Math.random }),
    breakers:
      rules === null
        ? null
        : targets.map(({ id, slot = id, claim }, at) => {
            const index = shared.indexOf(breakerSlot(config.id, slot, seat.of))
            const passedAtMs = pool.checked ? () => states[at]?.passedAtMs ?? 0 : null
            const breaker = new Breaker({ cells, index, seat, random: Math.random, passedAtMs }, rules)
            if (claim !== undefined) breaker.belongTo(claim, now())
            return breaker
          }),
    ejector,
    health: pool.checked ? 'checked' : 'unchecked',
    panicBelow: pool.panicBelow,
    maxRequests: pool.maxRequests,
    failing: statusSet(config.breaker.on),
  })
}

function keyedBy(source: KeySource | null): ProxyRules['keyOf'] {
  if (source === null) return () => NO_KEY
  return (x) => {
    const address = x.origin?.address ?? x.client.address ?? ''
    return keyOf(source, { address, header: (name) => x.head.get(name) })
  }
}

function breakerRules({ breaker }: RouteConfig): BreakerRules | null {
  const { consecutive_failures: inARow, failure_share: share } = breaker
  if (inARow === 0 && share === 0) return null
  return {
    consecutiveFailures: inARow === 0 ? null : inARow,
    failures: null,
    failureShare: share === 0 ? null : { share, minimumVolume: breaker.minimum_volume },
    windowMs: Math.max(1_000, breaker.window),
    openMs: breaker.open,
    jitterShare: BREAKER_JITTER,
    probes: breaker.probes,
    probeSuccesses: 1,
    probeLeaseMs: PROBE_LEASE_MS,
  }
}
