import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holderOf, POSITIONS, Positions } from './positions.ts'
import { cellsFor } from './testing/pool.ts'

const NOW = 1_000_000
const KEEP_MS = 1_000

/** The same table as two threads see it, with what `busy` holds in flight; `claimed` is what was to be forgotten. */
function setUp() {
  const cells = cellsFor()
  const busy = new Set<number>()
  const claimed: number[] = []
  const made = () =>
    new Positions(cells, 8, {
      keepMs: KEEP_MS,
      isBusy: (position) => busy.has(position),
      onClaim: (position) => claimed.push(position),
    })
  return { cells, busy, claimed, one: made(), other: made() }
}

const addresses = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => `10.0.${Math.floor((from + at) / 200)}.${(from + at) % 200}`)

test('all threads find the same position for an address, whoever asks first, and none for two', () => {
  const { one, other, claimed } = setUp()
  const first = one.take(addresses(20), NOW)
  assert.deepEqual(other.take(addresses(20), NOW + 1), first)
  assert.equal(new Set(first.map((position) => position?.number)).size, 20)
  assert.equal(claimed.length, 20)
})

test('who stays keeps its position when others come and go', () => {
  const { one, other } = setUp()
  const [kept] = one.take(['10.0.0.1', '10.0.0.2', '10.0.0.3'], NOW)
  for (let round = 1; round < 50; round++) {
    const nowMs = NOW + round * 500
    const [still] = (round % 2 === 0 ? one : other).take(['10.0.0.1', ...addresses(20, round * 20)], nowMs)
    assert.deepEqual(still, kept, `round ${round}`)
  }
})

test('a position is another one’s only when nobody has listed its address for long, and nothing is in flight to it', () => {
  const { one, other, busy, claimed } = setUp()
  const all = addresses(POSITIONS)
  const positions = one.take(all, NOW)
  claimed.length = 0
  // The table is full of addresses that a thread had a moment ago.
  assert.deepEqual(other.take(['192.0.2.1'], NOW + KEEP_MS), [null])
  for (const position of positions.slice(1)) busy.add(position?.number ?? -1)
  const [found] = other.take(['192.0.2.1'], NOW + KEEP_MS + 1)
  assert.equal(found?.number, positions[0]?.number)
  assert.notEqual(found?.claim, positions[0]?.claim)
  assert.deepEqual(claimed, [found?.number])
})

test('an address that returns late starts anew', () => {
  const { one, claimed } = setUp()
  const [before] = one.take(['10.0.0.1'], NOW)
  const [again] = one.take(['10.0.0.1'], NOW + KEEP_MS + 1)
  assert.equal(again?.number, before?.number)
  assert.notEqual(again?.claim, before?.claim)
  assert.equal(claimed.length, 2)
})

test('more addresses than positions: those beyond have none', () => {
  const { one } = setUp()
  const positions = one.take(addresses(POSITIONS + 3), NOW)
  assert.equal(positions.filter((position) => position === null).length, 3)
  assert.equal(positions.indexOf(null), POSITIONS)
})

test('a table can be read by people: the address of each position, and who is by name', () => {
  const { one, cells } = setUp()
  const given = ['', '10.1.2.3', '2001:db8::7', '::1']
  const positions = one.take(given, NOW)
  const read = positions.map((position) => holderOf(cells, { index: 8, position: position?.number ?? 0 }, NOW))
  assert.deepEqual(
    read,
    given.map((address, at) => ({ claim: positions[at]?.claim, address })),
  )
  const free = Array.from({ length: POSITIONS }, (_, at) => at).find((at) => !positions.some((p) => p?.number === at))
  assert.equal(holderOf(cells, { index: 8, position: free ?? 0 }, NOW), null)
  assert.equal(holderOf(cells, { index: 8, position: positions[1]?.number ?? 0 }, NOW + 1), null)
})
