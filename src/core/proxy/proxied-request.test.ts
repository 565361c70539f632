import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { candidateOf } from '../../../test/request-path/upstream.ts'
import { NO_MORE } from '../attempting.ts'
import { Balancer } from '../balance/balancer.ts'
import { Breaker } from '../balance/breaker.ts'
import { NO_KEY } from '../balance/hash-key.ts'
import { createPolicy } from '../balance/policy.ts'
import { RetryBudget } from '../balance/retry-budget.ts'
import { cellsFor, seat, statesOf, targetsOf } from '../balance/testing/pool.ts'
import { BREAKER, RETRIES } from '../balance/testing/rules.ts'
import { GatewayError } from '../errors.ts'
import type { Candidate } from '../phases.ts'
import { ProxiedRequest, type ProxyRules } from './proxied-request.ts'

const NOW = 1_000_000
const transport = { dispatch: () => true, close: () => Promise.resolve() }

const GATEWAY = new Set([502, 503, 504])

/** Rules over `count` servers called s0, s1, … that are taken in turn. */
function rulesOf(count: number, changes: Partial<ProxyRules> & { panicBelow?: null } = {}) {
  const cells = cellsFor()
  const states = statesOf(cells, count)
  const candidates = states.map((_, at) => ({ ...candidateOf({ transport }), name: `s${at}` }))
  const policy = createPolicy('round_robin', {
    targets: targetsOf(...states.map(() => 1)),
    states,
    seat: seat(),
    random: () => 0,
  })
  const breakers = states.map((_, at) => {
    return new Breaker(
      { cells, index: 1_000 + at * 100, seat: seat(), random: () => 0 },
      { ...BREAKER, consecutiveFailures: 2 },
    )
  })
  const { panicBelow = 0 } = changes
  const balancer = new Balancer({
    states,
    policy,
    breakers,
    ejector: null,
    health: 'unchecked',
    panicBelow,
    failing: GATEWAY,
  })
  const servers = { candidates, balancer }
  const rules: ProxyRules = {
    pool: 'pool',
    servers: () => servers,
    retry: { ...RETRIES, unsafe: 'with_idempotency_key' },
    budget: new RetryBudget(cells, 3_000, { share: 0.2, minimumPerSecond: 1_000, capacity: 1_000 }),
    backoff: { baseMs: 100, maxMs: 100, maxRetryAfterMs: 1_000 },
    totalMs: 10_000,
    keyOf: () => NO_KEY,
    now: () => NOW,
    random: () => 0.5,
    ...changes,
  }
  return { rules, states, balancer }
}

function requestOf(rules: ProxyRules, method = 'GET', headers: readonly string[] = []) {
  const x = offlineExchange({ method, headers })
  const request = new ProxiedRequest(x, rules, '/', { body: null, upgrade: null })
  const next = () => {
    const found: Candidate | GatewayError = request.next()
    return found instanceof GatewayError ? found.code : found.name
  }
  return { x, request, next }
}

test('a request in flight is counted at its target, once, until it ends', () => {
  const { rules, states } = rulesOf(1)
  const { x, request, next } = requestOf(rules)
  assert.equal(next(), 's0')
  assert.equal(states[0]?.inFlight, 1)
  assert.equal(request.onHead(x, 200, {}), NO_MORE)
  assert.equal(states[0]?.inFlight, 1)
  request.onEnd()
  request.onEnd()
  assert.equal(states[0]?.inFlight, 0)
})

test('a failure goes to another target at once, and each is left as it was', () => {
  const { rules, states } = rulesOf(2)
  const { x, request, next } = requestOf(rules)
  const first = next()
  assert.equal(
    request.onFailure(x, {
      failure: 'unreachable',
      error: new GatewayError('upstream_unreachable', 'x'),
      processed: 'no',
    }),
    0,
  )
  assert.notEqual(next(), first)
  request.onEnd()
  assert.deepEqual(
    states.map(({ inFlight }) => inFlight),
    [0, 0],
  )
})

test('the only target is asked again after a wait, as often as is allowed', () => {
  const { x, request, next } = requestOf(rulesOf(1).rules)
  next()
  assert.equal(request.onHead(x, 503, {}), 50)
  assert.equal(next(), 's0')
  assert.equal(request.onHead(x, 503, {}), NO_MORE)
})

test('a target that is left in number but not available is no other target: its answer would be lost for a refusal', () => {
  const { rules, balancer } = rulesOf(2)
  // Opens the breaker of whichever comes first.
  for (let failures = 0; failures < 2; ) {
    const { x, request, next } = requestOf({ ...rules, retry: { ...RETRIES, attempts: 1 } })
    if (next() === 's0') {
      request.onFailure(x, { failure: 'closed', error: new GatewayError('upstream_closed', 'x'), processed: 'unknown' })
      failures++
    }
    request.onEnd()
  }
  assert.ok(balancer.hasOther(NOW, null))
  const { x, request, next } = requestOf(rules)
  assert.equal(next(), 's1')
  assert.equal(request.onHead(x, 503, {}), 50, 'the same again, after a wait')
  assert.equal(next(), 's1')
  assert.equal(request.onHead(x, 503, {}), NO_MORE, 'and then it is the answer')
})

test('when nobody is available the client is told when to come again', () => {
  const { rules } = rulesOf(1, { retry: { ...RETRIES, attempts: 1 }, panicBelow: null })
  for (let at = 0; at < 2; at++) {
    const { x, request, next } = requestOf(rules)
    next()
    request.onFailure(x, { failure: 'closed', error: new GatewayError('upstream_closed', 'x'), processed: 'unknown' })
    request.onEnd()
  }
  const found = requestOf(rules).request.next()
  assert.ok(found instanceof GatewayError)
  assert.deepEqual([found.code, found.retryAfterSeconds], ['upstream_unavailable', 15])
})

test('what may have been acted on is not sent again, unless it is idempotent or was not processed', () => {
  const { rules } = rulesOf(2)
  for (const [method, headers, processed, again] of [
    ['GET', [], 'unknown', true],
    ['PUT', [], 'unknown', true],
    ['POST', [], 'unknown', false],
    ['PATCH', [], 'unknown', false],
    ['POST', [], 'no', true],
    ['POST', ['Idempotency-Key', 'k'], 'unknown', true],
  ] as const) {
    const { x, request, next } = requestOf(rules, method, [...headers, 'Content-Length', '0'])
    next()
    assert.equal(
      request.onFailure(x, { failure: 'closed', error: new GatewayError('upstream_closed', 'x'), processed }) !==
        NO_MORE,
      again,
      `${method} ${processed}`,
    )
    request.onEnd()
  }
})

test('a Retry-After is waited for in full, and one that is too long ends it', () => {
  for (const [value, wait] of [
    ['1', 1_050],
    ['0', 50],
    ['2', NO_MORE],
    ['nonsense', 50],
  ] as const) {
    const { x, request, next } = requestOf(rulesOf(1).rules)
    next()
    assert.equal(request.onHead(x, 503, { 'retry-after': value }), wait, value)
  }
})

test('no attempt follows when the budget is empty, or the wait would outlast the deadline', () => {
  const empty = new RetryBudget(cellsFor(), 0, { share: 0, minimumPerSecond: 0, capacity: 0 })
  for (const changes of [{ budget: empty }, { totalMs: 40 }]) {
    const { x, request, next } = requestOf(rulesOf(1, changes).rules)
    next()
    assert.equal(request.onHead(x, 503, {}), NO_MORE)
  }
})
