/**
 * `node bench/micro/balance.ts`: what choosing an upstream costs a request, from the choice to its release, and what the
 * parts cost. Ten targets unless it says otherwise.
 */
import { Balancer, Choice } from '../../src/core/balance/balancer.ts'
import { Breaker, breakerCells } from '../../src/core/balance/breaker.ts'
import { Ejector } from '../../src/core/balance/ejection.ts'
import { hashText } from '../../src/core/balance/hash-key.ts'
import { createPolicy, POLICY_KINDS, type PolicyKind } from '../../src/core/balance/policy.ts'
import { RetryBudget } from '../../src/core/balance/retry-budget.ts'
import { viewCells } from '../../src/core/balance/shared-cells.ts'
import { LoadShedder } from '../../src/core/balance/shedding.ts'
import { TargetState, targetCells } from '../../src/core/balance/target-state.ts'
import { BREAKER, EJECTION, RETRY_BUDGET, SHEDDING } from '../../src/core/balance/testing/rules.ts'
import { createCounters } from '../../src/lib/index.ts'
import { measure } from './measure.ts'

const CALLS = 200_000
const SEAT = { number: 0, of: 12 }
const KEY = hashText('user-1')
function balancerOf(kind: PolicyKind, weights: readonly number[], open = 0): Balancer {
  const cells = viewCells(createCounters(100_000))
  const targets = weights.map((weight, at) => ({ id: `http://10.0.0.${at}:8080`, weight }))
  const perTarget = targetCells(SEAT.of) + breakerCells(SEAT.of)
  const states = targets.map((_, at) => new TargetState(cells, at * perTarget, SEAT))
  const breakers = targets.map((_, at) => {
    const index = at * perTarget + targetCells(SEAT.of)
    return new Breaker({ cells, index, seat: SEAT, random: Math.random }, BREAKER)
  })
  for (const breaker of breakers.slice(0, open)) for (let n = 0; n < 5; n++) breaker.record(0, 'failure', 1)
  return new Balancer({
    states,
    policy: createPolicy(kind, { targets, states, seat: SEAT, random: Math.random }),
    breakers,
    ejector: new Ejector(states, EJECTION),
    health: 'checked',
    panicBelow: 0,
    failing: EJECTION.statuses,
  })
}

function measureRoad(name: string, balancer: Balancer): void {
  const choice = new Choice()
  let nowMs = 1
  measure(name, CALLS, () => {
    nowMs += 0.01
    balancer.choose(choice, nowMs, KEY, null)
    balancer.report(choice, 'success', nowMs)
    balancer.release(choice, nowMs)
    return choice.target
  })
}

const equal = (count: number) => Array.from({ length: count }, () => 1)
for (const kind of POLICY_KINDS) measureRoad(`choose, report, release: ${kind}`, balancerOf(kind, equal(10)))
measureRoad('the same: round_robin by weight', balancerOf('round_robin', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
measureRoad('the same: consistent_hash by weight', balancerOf('consistent_hash', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
measureRoad('the same: round_robin, two targets', balancerOf('round_robin', equal(2)))
measureRoad('the same: round_robin, a hundred targets', balancerOf('round_robin', equal(100)))
measureRoad('the same: round_robin, one of two breakers open', balancerOf('round_robin', equal(2), 1))

const cells = viewCells(createCounters(1_000))
const breaker = new Breaker({ cells, index: 0, seat: SEAT, random: Math.random }, BREAKER)
measure('breaker: admit and record a success', CALLS, () => breaker.record(breaker.admit(1), 'success', 1))
const budget = new RetryBudget(cells, 900, RETRY_BUDGET)
measure('retry budget: deposit', CALLS, () => budget.deposit())
measure('retry budget: take', CALLS, () => budget.take(1))
measure('hash of a key of 36 characters', CALLS, () => hashText('8d7f1c1e-51f6-4c41-9be1-4b1c7c0a2f10'))
const shedder = new LoadShedder(SHEDDING)
measure('shedder: verdict', CALLS, () => shedder.admits('normal'))

/** Bytes of garbage per choice, as the heap grows without a collection; 0 but for noise. */
function measureGarbage(kind: PolicyKind): void {
  const balancer = balancerOf(kind, equal(10))
  const choice = new Choice()
  const round = (calls: number) => {
    for (let n = 0; n < calls; n++) {
      balancer.choose(choice, n, KEY, null)
      balancer.report(choice, 'success', n)
      balancer.release(choice, n)
    }
  }
  round(CALLS)
  const before = process.memoryUsage().heapUsed
  round(20_000)
  const bytes = Math.max(0, process.memoryUsage().heapUsed - before) / 20_000
  console.log(`${`garbage: ${kind}`.padEnd(56)} ${bytes.toFixed(1).padStart(10)} bytes`)
}
for (const kind of POLICY_KINDS) measureGarbage(kind)
