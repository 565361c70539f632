import type { RouteConfig } from '../../config/index.ts'
import { Balancer } from '../balance/balancer.ts'
import { Breaker, type BreakerRules } from '../balance/breaker.ts'
import { type KeySource, keyOf, NO_KEY } from '../balance/hash-key.ts'
import { createPolicy } from '../balance/policy.ts'
import { RetryBudget } from '../balance/retry-budget.ts'
import { breakerSlot, retryBudgetSlot, type SlotNeed } from '../balance/slots.ts'
import type { ProxyRules } from '../proxy/proxied-request.ts'
import { createProxyInspect, ProxyCandidate, RELAY_ABOVE } from '../proxy/proxy-route.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import { compileHeaderEdits } from './header-edits.ts'
import type { HandlerParts, RouteParts } from './route-parts.ts'
import { compileTemplate } from './template.ts'

const RETRY_CAPACITY = 100
const BREAKER_JITTER = 0.2
const PROBE_LEASE_MS = 30_000
/** Longest `Retry-After` of a server that a client is kept waiting for. */
const MAX_RETRY_AFTER_MS = 5_000

/** A route that a pool of servers answers. */
export function proxyHandler(config: RouteConfig, parts: RouteParts): HandlerParts {
  const pool = parts.pool(config.upstream ?? '', config.timeouts.connect)
  const bodyLimit = config.max_body ?? parts.bodyLimit
  const { rewrite } = config
  return {
    bodyLimit,
    relayAbove: RELAY_ABOVE,
    encodedBody: 'pass',
    inspect: createProxyInspect({
      rules: rulesOf(config, pool, parts),
      rewrite:
        rewrite === undefined
          ? null
          : {
              stripPrefix: rewrite.strip_prefix?.replace(/\/$/, '') ?? null,
              addPrefix: rewrite.add_prefix?.replace(/\/$/, '') ?? null,
              path: rewrite.path === undefined ? null : compileTemplate(rewrite.path),
            },
      bodyLimit,
      upgrades: config.upgrade,
    }),
  }
}

/** Slots that a route's pool needs for this route, for whoever allocates them. */
export function routeSlots(config: RouteConfig, targets: readonly string[], seats: number): SlotNeed[] {
  return [retryBudgetSlot(config.id), ...targets.map((id) => breakerSlot(config.id, id, seats))]
}

function rulesOf(config: RouteConfig, pool: UpstreamPool, parts: RouteParts): ProxyRules {
  const { shared, now } = parts
  const { timeouts, retry } = config
  const edit = compileHeaderEdits(config.request_headers)
  const limits = {
    connectMs: timeouts.connect,
    firstByteMs: timeouts.first_byte,
    firstByteStreamMs: timeouts.first_byte,
    idleMs: timeouts.idle,
    totalMs: timeouts.total,
  }
  const breaker = breakerRules(config)
  const budgetIndex = shared.indexOf(retryBudgetSlot(config.id))
  return {
    pool: pool.name,
    candidates: pool.targets.map(
      ({ id, transport }) =>
        new ProxyCandidate({
          upstream: { name: id, origin: id, transport, timeouts: limits },
          edit,
          host: pool.host,
          maxResponse: pool.maxResponse,
          trusted: parts.trusted,
        }),
    ),
    balancer: new Balancer({
      states: pool.states,
      policy: createPolicy(pool.policy, {
        targets: pool.targets,
        states: pool.states,
        seat: shared.seat,
        random: Math.random,
      }),
      breakers:
        breaker === null
          ? null
          : pool.targets.map(({ id }) => {
              const index = shared.indexOf(breakerSlot(config.id, id, shared.seat.of))
              return new Breaker({ cells: shared.cells, index, seat: shared.seat, random: Math.random }, breaker)
            }),
      ejector: pool.ejector,
      health: pool.checked ? 'checked' : 'unchecked',
      panicBelow: pool.panicBelow,
    }),
    retry: {
      attempts: retry.attempts,
      attemptsPerTarget: retry.attempts_per_target,
      statuses: new Set(retry.on),
      unsafe: retry.unsafe,
    },
    budget: new RetryBudget(shared.cells, budgetIndex, {
      share: retry.budget_share,
      minimumPerSecond: retry.budget_per_second,
      capacity: RETRY_CAPACITY,
    }),
    backoff: { baseMs: retry.backoff, maxMs: retry.max_backoff, maxRetryAfterMs: MAX_RETRY_AFTER_MS },
    totalMs: timeouts.total,
    keyOf: keyedBy(pool.keySource),
    now,
    random: Math.random,
  }
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
