import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConsistentHash } from './consistent-hash.ts'
import type { Policy, Target } from './contract.ts'
import { hashText, NO_KEY } from './hash-key.ts'
import { allBut, tally, targetsOf } from './testing/pool.ts'

const KEYS = 100_000
const keys = Array.from({ length: KEYS }, (_, n) => hashText(`user-${n}`))
const never: Policy = { pick: () => assert.fail('there was a key') }

function policyOf(targets: readonly Target[]): ConsistentHash {
  return new ConsistentHash(targets, never)
}

test('keys spread evenly: no target of ten is 5 % off its share of 100,000 keys', () => {
  const policy = policyOf(targetsOf(...Array.from({ length: 10 }, () => 1)))
  const all = allBut(10)
  for (const count of tally(10, KEYS, (n) => policy.pick(all, keys[n] ?? 0))) {
    assert.ok(Math.abs(count - KEYS / 10) < KEYS / 200, `${count} keys`)
  }
})

test('keys spread by weight', () => {
  const policy = policyOf(targetsOf(1, 2, 7))
  const counts = tally(3, KEYS, (n) => policy.pick(allBut(3), keys[n] ?? 0))
  for (const [position, share] of [0.1, 0.2, 0.7].entries()) {
    assert.ok(Math.abs((counts[position] ?? 0) / KEYS - share) < 0.005, counts.join(' '))
  }
})

for (const weights of [Array.from({ length: 10 }, () => 1), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]) {
  test(`when a target leaves only its keys move, to all others by weight (${weights.join(' ')})`, () => {
    const policy = policyOf(targetsOf(...weights))
    const [all, some] = [allBut(10), allBut(10, 4)]
    const heirs = weights.map(() => 0)
    let orphans = 0
    for (const key of keys) {
      const before = policy.pick(all, key)
      const after = policy.pick(some, key)
      if (before !== 4) assert.equal(after, before)
      else {
        heirs[after] = (heirs[after] ?? 0) + 1
        orphans++
      }
    }
    const rest = weights.reduce((sum, weight) => sum + weight, 0) - (weights[4] ?? 0)
    for (const [position, weight] of weights.entries()) {
      if (position === 4) continue
      const expected = (orphans * weight) / rest
      assert.ok(
        Math.abs((heirs[position] ?? 0) - expected) < 5 * Math.sqrt(expected),
        `${heirs.join(' ')} of ${orphans}`,
      )
    }
  })
}

test('a new target takes its share of keys and no other key moves', () => {
  const before = policyOf(targetsOf(1, 1, 1, 1))
  const after = policyOf(targetsOf(1, 1, 1, 1, 1))
  let moved = 0
  for (const key of keys) {
    const position = after.pick(allBut(5), key)
    if (position === 4) moved++
    else assert.equal(position, before.pick(allBut(4), key))
  }
  assert.ok(Math.abs(moved / KEYS - 0.2) < 0.01, `${moved} moved`)
})

test('the order of the pool does not matter: a reload that sorts it moves nobody', () => {
  const targets = targetsOf(1, 3, 1, 2)
  const turned = targets.toReversed()
  const [one, other] = [policyOf(targets), policyOf(turned)]
  for (const key of keys.slice(0, 5000)) {
    assert.equal(targets[one.pick(allBut(4), key)]?.id, turned[other.pick(allBut(4), key)]?.id)
  }
})

test('a request without a key is left to the other policy', () => {
  const policy = new ConsistentHash(targetsOf(1, 1), { pick: () => 1 })
  assert.equal(policy.pick(allBut(2), NO_KEY), 1)
})
