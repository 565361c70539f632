import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_KEY } from './hash-key.ts'
import { createPolicy, POLICY_KINDS, type PolicyKind } from './policy.ts'
import { allBut, cellsFor, seat, seeded, statesOf, tally, targetsOf } from './testing/pool.ts'

function policyOf(
  kind: PolicyKind,
  weights: readonly number[],
  options: { seat?: number; random?: () => number } = {},
) {
  const own = seat(options.seat ?? 0)
  const states = statesOf(cellsFor(), weights.length, own)
  const random = options.random ?? seeded(1)
  return { policy: createPolicy(kind, { targets: targetsOf(...weights), states, seat: own, random }), states }
}

test('round robin visits every target in turn, and goes on where it was when one leaves and comes back', () => {
  const { policy } = policyOf('round_robin', [1, 1, 1])
  const all = allBut(3)
  assert.deepEqual(
    [0, 0, 0, 0].map(() => policy.pick(all, NO_KEY)),
    [0, 1, 2, 0],
  )
  const without = allBut(3, 1)
  assert.deepEqual(
    [0, 0, 0, 0].map(() => policy.pick(without, NO_KEY)),
    [2, 0, 2, 0],
  )
  assert.deepEqual(
    [0, 0, 0].map(() => policy.pick(all, NO_KEY)),
    [1, 2, 0],
  )
})

test('the neighbour of a missing target gets no more than the others', () => {
  const { policy } = policyOf('round_robin', [1, 1, 1, 1])
  assert.deepEqual(
    tally(4, 300, () => policy.pick(allBut(4, 1), NO_KEY)),
    [100, 0, 100, 100],
  )
})

test('threads begin their rounds at different targets', () => {
  for (const weights of [
    [1, 1],
    [1, 1, 1],
    [3, 1],
  ]) {
    const firsts = [0, 1].map(
      (number) =>
        [0, 0, 0]
          .map(() => policyOf('round_robin', weights, { seat: number }).policy)
          .map((policy) => {
            return [0, 0, 0, 0].map(() => policy.pick(allBut(weights.length), NO_KEY)).join('')
          })[0],
    )
    assert.notEqual(firsts[0], firsts[1], `weights ${weights.join(' ')}`)
  }
})

test('weighted round robin is exact within one round and spreads the heavy target over it', () => {
  const { policy } = policyOf('round_robin', [5, 1, 1])
  const round = Array.from({ length: 7 }, () => policy.pick(allBut(3), NO_KEY))
  assert.deepEqual(round, [0, 0, 1, 0, 2, 0, 0])
})

test('weighted round robin keeps to the weights in every thread, and without a target among the rest', () => {
  for (const number of [0, 1, 2, 3]) {
    const { policy } = policyOf('round_robin', [5, 3, 2], { seat: number })
    assert.deepEqual(
      tally(3, 1000, () => policy.pick(allBut(3), NO_KEY)),
      [500, 300, 200],
    )
    const [first, none, third] = tally(3, 700, () => policy.pick(allBut(3, 1), NO_KEY))
    assert.equal(none, 0)
    assert.ok(Math.abs((first ?? 0) - 500) <= 2 && Math.abs((third ?? 0) - 200) <= 2, `${first} and ${third}`)
  }
})

test('least connections picks the target with the fewest in flight for its weight', () => {
  const { policy, states } = policyOf('least_connections', [1, 1, 4])
  const picks = Array.from({ length: 60 }, () => {
    const position = policy.pick(allBut(3), NO_KEY)
    states[position]?.begin()
    return position
  })
  assert.deepEqual(
    tally(3, 60, (n) => picks[n] ?? -1),
    [10, 10, 40],
  )
  for (let n = 0; n < 10; n++) states[1]?.end()
  assert.equal(policy.pick(allBut(3), NO_KEY), 1)
  assert.equal(policy.pick(allBut(3, 1), NO_KEY) === 1, false)
})

test('least connections spreads over an idle pool evenly', () => {
  const { policy } = policyOf('least_connections', [1, 1, 1])
  assert.deepEqual(
    tally(3, 300, () => policy.pick(allBut(3), NO_KEY)),
    [100, 100, 100],
  )
  assert.deepEqual(
    tally(3, 300, () => policy.pick(allBut(3, 1), NO_KEY)),
    [150, 0, 150],
  )
})

test('least connections counts what other threads have in flight, until a dead thread is cleared', () => {
  const cells = cellsFor()
  const own = statesOf(cells, 2, seat(0))
  const others = statesOf(cells, 2, seat(3))
  const policy = createPolicy('least_connections', {
    targets: targetsOf(1, 1),
    states: own,
    seat: seat(0),
    random: seeded(1),
  })
  for (let n = 0; n < 3; n++) others[0]?.begin()
  assert.deepEqual(
    tally(2, 10, () => policy.pick(allBut(2), NO_KEY)),
    [0, 10],
  )
  own[0]?.clearSeat(3)
  assert.deepEqual(
    tally(2, 10, () => policy.pick(allBut(2), NO_KEY)),
    [5, 5],
  )
})

test('random of two is even over an idle pool and never takes the busier of two', () => {
  const { policy, states } = policyOf('random_of_two', [1, 1, 1, 1])
  for (const count of tally(4, 8000, () => policy.pick(allBut(4), NO_KEY))) {
    assert.ok(Math.abs(count - 2000) < 200, `picked ${count} times of 2000`)
  }
  states[2]?.begin()
  assert.equal(tally(4, 4000, () => policy.pick(allBut(4), NO_KEY))[2], 0)
  assert.equal(policy.pick(allBut(4, 0, 1, 3), NO_KEY), 2)
})

test('random of two keeps 10 targets within one request of each other, as drawing one does not', () => {
  const { policy, states } = policyOf(
    'random_of_two',
    Array.from({ length: 10 }, () => 1),
  )
  for (let n = 0; n < 1000; n++) states[policy.pick(allBut(10), NO_KEY)]?.begin()
  const loads = states.map((state) => state.inFlight)
  assert.ok(Math.max(...loads) - Math.min(...loads) <= 6, `in flight ${loads.join(' ')}`)
})

for (const kind of POLICY_KINDS) {
  test(`${kind} picks only what is available, with a key and without`, () => {
    for (const weights of [
      [1, 1, 1, 1, 1],
      [9, 1, 4, 4, 2],
    ]) {
      const { policy } = policyOf(kind, weights, { seat: 2 })
      const some = allBut(5, 0, 3)
      for (let n = 0; n < 500; n++) {
        assert.ok(some.has(policy.pick(some, n % 2 === 0 ? NO_KEY : Math.imul(n, 2_654_435_761) >>> 0)))
      }
      assert.equal(policy.pick(allBut(5, 0, 1, 2, 4), 7), 3)
    }
  })
}
