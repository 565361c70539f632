import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Available } from './available.ts'
import { Balancer, type BalancerOptions, Choice } from './balancer.ts'
import { Breaker, breakerCells } from './breaker.ts'
import { Ejector } from './ejection.ts'
import { NO_KEY } from './hash-key.ts'
import { createPolicy } from './policy.ts'
import { cellsFor, SEATS, seat, seeded, statesOf, tally, targetsOf } from './testing/pool.ts'

const NOW = 1_000_000
const CHECK = { healthyThreshold: 1, unhealthyThreshold: 1 }
const GATEWAY = new Set([502, 503, 504])
const BREAKER_RULES = {
  consecutiveFailures: 2,
  failures: null,
  failureShare: null,
  windowMs: 10_000,
  openMs: 30_000,
  jitterShare: 0,
  probes: 1,
  probeSuccesses: 1,
  probeLeaseMs: 5_000,
}

function pool(count: number, options: Partial<BalancerOptions> = {}) {
  const cells = cellsFor()
  const states = statesOf(cells, count)
  const targets = targetsOf(...states.map(() => 1))
  const policy = createPolicy('round_robin', { targets, states, seat: seat(), random: seeded(1) })
  const breakers = states.map((_, at) => {
    const index = 1_000 + at * breakerCells(SEATS)
    return new Breaker({ cells, index, seat: seat(), random: () => 0 }, BREAKER_RULES)
  })
  const ejector = new Ejector(states, { failures: 5, baseMs: 10_000, maxMs: 10_000, maxShare: 0.5, statuses: GATEWAY })
  const balancer = new Balancer({
    states,
    policy,
    breakers,
    ejector,
    health: 'checked',
    panicBelow: 0,
    failing: GATEWAY,
    ...options,
  })
  const attempt = (nowMs = NOW, outcome: 'success' | 'failure' | 'neutral' = 'success') => {
    const choice = new Choice()
    const verdict = balancer.choose(choice, nowMs, NO_KEY, null)
    const { target } = choice
    balancer.report(choice, outcome, nowMs)
    balancer.release(choice, nowMs)
    return verdict === 'chosen' ? target : verdict
  }
  /** Opens a breaker. */
  const breakDown = (position: number, nowMs = NOW) => {
    breakers[position]?.record(0, 'failure', nowMs)
    breakers[position]?.record(0, 'failure', nowMs)
  }
  return { cells, balancer, states, breakers, attempt, breakDown }
}

test('targets that are unhealthy, ejected or broken are left out', () => {
  const { states, attempt, breakDown } = pool(5)
  states[0]?.enterCheck(false, CHECK, NOW)
  states[1]?.eject(NOW, 1, () => 10_000)
  breakDown(2)
  assert.deepEqual(
    tally(5, 100, () => Number(attempt())),
    [0, 0, 0, 50, 50],
  )
})

test('what active checks once said does not count when they do not run', () => {
  const { states, attempt } = pool(2, { health: 'unchecked' })
  states[0]?.enterCheck(false, CHECK, NOW)
  assert.deepEqual(
    tally(2, 10, () => Number(attempt())),
    [5, 5],
  )
})

test('a target has no more requests in flight than it may, the next one takes them, and then nobody', () => {
  const { balancer, states, breakDown } = pool(3, { maxRequests: 2 })
  breakDown(2)
  const choices = Array.from({ length: 4 }, () => new Choice())
  assert.deepEqual(
    choices.map((choice) => balancer.choose(choice, NOW, NO_KEY, null)),
    ['chosen', 'chosen', 'chosen', 'chosen'],
  )
  const late = new Choice()
  assert.equal(balancer.choose(late, NOW, NO_KEY, null), 'full', 'an open breaker is no room')
  assert.equal(balancer.chooseAgain(late, 0, NOW), false)
  assert.deepEqual(
    states.map(({ inFlight }) => inFlight),
    [2, 2, 0],
  )
  const [first] = choices
  assert.ok(first)
  const { target } = first
  balancer.release(first, NOW)
  assert.deepEqual([balancer.choose(late, NOW, NO_KEY, null), late.target], ['chosen', target])
})

test('the bound holds over all threads, and in a panic', () => {
  const { cells, balancer, breakDown } = pool(1, { maxRequests: 2 })
  const [elsewhere] = statesOf(cells, 1, seat(1))
  elsewhere?.begin()
  const [one, two] = [new Choice(), new Choice()]
  assert.equal(balancer.choose(one, NOW, NO_KEY, null), 'chosen')
  breakDown(0)
  assert.equal(balancer.choose(two, NOW, NO_KEY, null), 'full')
  elsewhere?.end()
  assert.equal(balancer.choose(two, NOW, NO_KEY, null), 'chosen')
})

test('when no target is healthy all are used, but an open breaker stays closed to requests', () => {
  const { balancer, states, breakDown } = pool(3)
  for (const state of states) state.enterCheck(false, CHECK, NOW)
  breakDown(1)
  const choice = new Choice()
  assert.deepEqual(
    tally(3, 10, () => {
      balancer.choose(choice, NOW, NO_KEY, null)
      assert.ok(choice.panicked)
      const { target } = choice
      balancer.release(choice, NOW)
      return target
    }),
    [5, 0, 5],
  )
})

test('a target that a check called unhealthy is asked when all healthy ones have been tried', () => {
  const { balancer, states } = pool(2, { health: 'checked' })
  states[1]?.enterCheck(false, CHECK, NOW)
  const choice = new Choice()
  assert.deepEqual([balancer.choose(choice, NOW, NO_KEY, null), choice.target], ['chosen', 0])
  balancer.release(choice, NOW)
  assert.equal(balancer.hasOther(NOW, [0]), true)
  assert.equal(balancer.hasOther(NOW, [0], 'answer'), false, 'an answer is better than what may come of it')
  assert.deepEqual([balancer.choose(choice, NOW, NO_KEY, [0]), choice.target], ['chosen', 1])
  balancer.release(choice, NOW)
})

test('panic begins below the configured share of healthy targets and ends at it', () => {
  const { balancer, states } = pool(4, { panicBelow: 0.5 })
  const panics = () => {
    const choice = new Choice()
    balancer.choose(choice, NOW, NO_KEY, null)
    balancer.release(choice, NOW)
    return choice.panicked
  }
  states[0]?.enterCheck(false, CHECK, NOW)
  states[1]?.enterCheck(false, CHECK, NOW)
  assert.equal(panics(), false)
  states[2]?.enterCheck(false, CHECK, NOW)
  assert.equal(panics(), true)
  states[2]?.enterCheck(true, CHECK, NOW)
  assert.equal(panics(), false)
})

test('a pool without panic refuses when no target is healthy', () => {
  const { states, attempt } = pool(2, { panicBelow: null })
  for (const state of states) state.enterCheck(false, CHECK, NOW)
  assert.equal(attempt(), 'unhealthy')
})

test('when all breakers are open and there is no panic the verdict says so, and how long to wait for the first', () => {
  const { balancer, attempt, breakDown } = pool(2, { panicBelow: null })
  breakDown(0, NOW)
  breakDown(1, NOW + 5_000)
  assert.equal(attempt(NOW + 5_000), 'open')
  assert.equal(balancer.waitMs(NOW + 5_000), 25_000)
})

test('a half-open breaker gets one request, the others go elsewhere until it has reported', () => {
  const { balancer, attempt, breakDown, breakers } = pool(2)
  breakDown(0)
  const later = NOW + 30_000
  const probe = new Choice()
  while (balancer.choose(probe, later, NO_KEY, null) === 'chosen' && probe.target !== 0) balancer.release(probe, later)
  assert.deepEqual(
    tally(2, 20, () => Number(attempt(later))),
    [0, 20],
  )
  balancer.report(probe, 'success', later)
  assert.equal(breakers[0]?.state(later), 'closed')
  assert.deepEqual(
    tally(2, 20, () => Number(attempt(later))),
    [10, 10],
  )
})

test('a probe that ends without a report gives its place back', () => {
  const { balancer, attempt, breakDown, breakers } = pool(1, { panicBelow: null })
  breakDown(0)
  const probe = new Choice()
  balancer.choose(probe, NOW + 30_000, NO_KEY, null)
  assert.equal(attempt(NOW + 30_000), 'open')
  balancer.release(probe, NOW + 30_000)
  assert.equal(breakers[0]?.state(NOW + 30_000), 'half_open')
  assert.equal(attempt(NOW + 30_000), 0)
  assert.equal(breakers[0]?.state(NOW + 30_000), 'closed')
})

test('a retry goes to a target that was not tried, until none is left', () => {
  const { balancer } = pool(3)
  const choice = new Choice()
  const tried: number[] = []
  for (let n = 0; n < 3; n++) {
    assert.ok(balancer.hasOther(NOW, tried))
    assert.equal(balancer.choose(choice, NOW, NO_KEY, tried), 'chosen')
    tried.push(choice.target)
    balancer.release(choice, NOW)
  }
  assert.deepEqual(tried.toSorted(), [0, 1, 2])
  assert.equal(balancer.hasOther(NOW, tried), false)
  assert.equal(balancer.choose(choice, NOW, NO_KEY, tried), 'exhausted')
  assert.equal(balancer.chooseAgain(choice, 1, NOW), true)
  assert.equal(choice.target, 1)
})

test('a target that is out of order is no other to retry on', () => {
  const { balancer, states, breakDown } = pool(3, { panicBelow: null })
  states[1]?.enterCheck(false, CHECK, NOW)
  breakDown(2)
  assert.equal(balancer.hasOther(NOW, [0]), false)
  states[1]?.enterCheck(true, CHECK, NOW)
  assert.equal(balancer.hasOther(NOW, [0]), true)
})

test('another thread takes the probe between the look and the choice: the request goes elsewhere', () => {
  const later = NOW + 30_000
  let between = (): unknown => null
  const pick = (available: Available) => {
    between()
    return available.has(0) ? 0 : 1
  }
  const { balancer, breakDown, breakers } = pool(2, { policy: { pick } })
  between = () => breakers[0]?.admit(later)
  breakDown(0)
  const choice = new Choice()
  assert.equal(balancer.choose(choice, later, NO_KEY, null), 'chosen')
  assert.equal(choice.target, 1)
})

test('in flight goes up with the choice and down once with the release, however often that is called', () => {
  const { balancer, states } = pool(1)
  const choice = new Choice()
  balancer.choose(choice, NOW, NO_KEY, null)
  assert.equal(states[0]?.inFlight, 1)
  balancer.report(choice, 'success', NOW)
  balancer.release(choice, NOW)
  balancer.release(choice, NOW)
  balancer.report(choice, 'failure', NOW)
  assert.equal(states[0]?.inFlight, 0)
})

test('a probe whose body breaks off after a good head closes the breaker and counts as one failure', () => {
  const { balancer, attempt, breakDown, breakers } = pool(1)
  breakDown(0)
  const later = NOW + 30_000
  const probe = new Choice()
  balancer.choose(probe, later, NO_KEY, null)
  balancer.report(probe, 'success', later)
  balancer.report(probe, 'failure', later)
  balancer.release(probe, later)
  assert.equal(breakers[0]?.state(later), 'closed')
  attempt(later, 'failure')
  assert.equal(breakers[0]?.state(later), 'open')
})

test('failures reach breakers and ejection, and a body that breaks off after a good head counts as one', () => {
  const { balancer, attempt, breakers } = pool(1)
  const choice = new Choice()
  balancer.choose(choice, NOW, NO_KEY, null)
  balancer.report(choice, 'success', NOW)
  balancer.report(choice, 'failure', NOW)
  balancer.release(choice, NOW)
  attempt(NOW, 'failure')
  assert.equal(breakers[0]?.state(NOW), 'open')
  const plain = pool(2, { breakers: null })
  for (let n = 0; n < 9; n++) plain.attempt(NOW, 'failure')
  assert.ok(plain.states[0]?.isEjected(NOW))
  assert.deepEqual(
    tally(2, 10, () => Number(plain.attempt())),
    [0, 10],
  )
})

test('when every breaker is open requests go on where checks pass, and the first success closes the breaker', () => {
  const { balancer, states, breakers, attempt, breakDown } = pool(3)
  for (const at of [0, 1, 2]) breakDown(at)
  states[0]?.enterCheck(false, CHECK, NOW)
  states[1]?.enterCheck(true, CHECK, NOW)
  states[2]?.enterCheck(false, CHECK, NOW)
  const choice = new Choice()
  assert.equal(balancer.choose(choice, NOW, NO_KEY, null), 'chosen')
  assert.equal(choice.target, 1)
  balancer.report(choice, 'failure', NOW)
  balancer.release(choice, NOW)
  assert.equal(breakers[1]?.state(NOW), 'open')
  assert.equal(attempt(NOW), 1)
  assert.equal(breakers[1]?.state(NOW), 'closed')
})

test('a retry after a failure goes past an open breaker when nobody else is left; instead of an answer it does not', () => {
  const { balancer, breakDown } = pool(2)
  breakDown(0)
  assert.equal(balancer.hasOther(NOW, [1]), true)
  assert.equal(balancer.hasOther(NOW, [1], 'answer'), false)
  const choice = new Choice()
  assert.equal(balancer.choose(choice, NOW, NO_KEY, [1]), 'chosen')
  assert.equal(choice.target, 0)
})

test('no more than a bounded number of requests at a time go past an open breaker, and fewer once one of them has failed', () => {
  const { balancer, breakDown } = pool(1)
  breakDown(0)
  const choices = Array.from({ length: 512 }, () => new Choice())
  for (const choice of choices) assert.equal(balancer.choose(choice, NOW, NO_KEY, null), 'chosen')
  assert.equal(balancer.choose(new Choice(), NOW, NO_KEY, null), 'open')
  for (const choice of choices.slice(64)) balancer.release(choice, NOW)
  const late = new Choice()
  assert.equal(balancer.choose(late, NOW, NO_KEY, null), 'chosen')
  balancer.report(late, 'failure', NOW)
  balancer.release(late, NOW)
  assert.equal(balancer.choose(new Choice(), NOW + 999, NO_KEY, null), 'open')
  assert.equal(balancer.choose(new Choice(), NOW + 1_000, NO_KEY, null), 'chosen')
  for (const choice of choices) balancer.release(choice, NOW)
  assert.equal(balancer.choose(new Choice(), NOW, NO_KEY, null), 'chosen')
})

test('a target whose requests past its breaker fail leaves room for those past the breaker of another', () => {
  const { balancer, breakDown } = pool(2)
  for (const at of [0, 1]) breakDown(at)
  const dead = new Choice()
  assert.equal(balancer.choose(dead, NOW, NO_KEY, [1]), 'chosen')
  balancer.report(dead, 'down', NOW)
  balancer.release(dead, NOW)
  for (let n = 0; n < 200; n++) assert.equal(balancer.choose(new Choice(), NOW, NO_KEY, [0]), 'chosen')
})

test('one status can count for the breaker and not for ejection', () => {
  const { balancer, states, breakers } = pool(1, { failing: new Set([500]) })
  const choice = new Choice()
  for (let n = 0; n < 6; n++) {
    balancer.choose(choice, NOW, NO_KEY, null)
    balancer.reportStatus(choice, 500, NOW)
    balancer.release(choice, NOW)
  }
  assert.equal(breakers[0]?.state(NOW), 'open')
  assert.equal(states[0]?.isEjected(NOW), false)
})

test('a target that fails checks and passes them again is not ejected any more; one that only passes still is', () => {
  const { states } = pool(2)
  const [back, steady] = states
  assert.ok(back && steady)
  for (const state of [back, steady]) {
    state.enterCheck(true, CHECK, NOW)
    state.eject(NOW, 1, () => 10_000)
  }
  back.enterCheck(false, CHECK, NOW + 1)
  back.enterCheck(true, CHECK, NOW + 2)
  steady.enterCheck(true, CHECK, NOW + 2)
  assert.deepEqual([back.isEjected(NOW + 2), steady.isEjected(NOW + 2)], [false, true])
})

test('a target that is only ejected is taken before one whose breaker is open, and is back when that goes well', () => {
  const { balancer, states, attempt, breakDown } = pool(3)
  states[0]?.eject(NOW, 1, () => 10_000)
  breakDown(1)
  breakDown(2)
  assert.ok(balancer.hasOther(NOW, [1]))
  assert.deepEqual(
    tally(3, 3, () => Number(attempt())),
    [3, 0, 0],
  )
  assert.equal(states[0]?.isEjected(NOW), false)
})
