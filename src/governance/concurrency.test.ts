import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ALL_OCCUPIED, clearSeat, concurrencyCells, occupied, occupyAll, vacateAll } from './concurrency.ts'

const SEATS = 3
const CELLS = concurrencyCells(SEATS)
/** Three levels with different limits; requests are of some of them. */
const LIMITS = [2, 3, 5]
const levels = LIMITS.map((limit, at) => ({ level: `team:${at}`, slot: at * CELLS, limit }))

const step = fc.record({
  action: fc.constantFrom('begin', 'begin', 'begin', 'end', 'die'),
  seat: fc.nat(SEATS - 1),
  of: fc.subarray([0, 1, 2], { minLength: 1 }),
  which: fc.nat(),
})

test('counts what is in flight on all levels or on none, and a worker that dies takes along what was its own', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const cells = new BigInt64Array(LIMITS.length * CELLS)
      let running: { seat: number; of: readonly number[] }[] = []
      const count = (level: number) => running.filter(({ of }) => of.includes(level)).length
      for (const { action, seat, of, which } of steps) {
        const asked = of.flatMap((at) => levels[at] ?? [])
        if (action === 'begin') {
          const full = of.findIndex((at) => count(at) >= (LIMITS[at] ?? 0))
          assert.equal(occupyAll(cells, asked, seat), full === -1 ? ALL_OCCUPIED : full)
          if (full === -1) running.push({ seat, of })
        } else if (action === 'end') {
          const over = running[which % Math.max(1, running.length)]
          if (over === undefined) continue
          running = running.filter((each) => each !== over)
          vacateAll(
            cells,
            over.of.flatMap((at) => levels[at] ?? []),
            over.seat,
          )
        } else {
          for (const { slot } of levels) clearSeat(cells, slot, seat)
          running = running.filter((each) => each.seat !== seat)
        }
        for (const [at, { slot, limit }] of levels.entries()) {
          assert.equal(occupied(cells, slot), count(at))
          assert.ok(occupied(cells, slot) <= limit)
          for (let own = 0; own < SEATS; own++) {
            assert.equal(
              Number(cells[slot + 1 + own]),
              running.filter((each) => each.seat === own && each.of.includes(at)).length,
            )
          }
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('a seat is cleared once: who takes it next begins with nothing in flight', () => {
  const cells = new BigInt64Array(CELLS)
  const level = [{ level: 'gateway', slot: 0, limit: 4 }]
  for (const seat of [0, 0, 1]) assert.equal(occupyAll(cells, level, seat), ALL_OCCUPIED)
  clearSeat(cells, 0, 0)
  clearSeat(cells, 0, 0)
  assert.equal(occupied(cells, 0), 1)
  for (const seat of [0, 0, 0]) assert.equal(occupyAll(cells, level, seat), ALL_OCCUPIED)
  assert.equal(occupyAll(cells, level, 2), 0, 'the position of the level that is full')
  vacateAll(cells, level, 1)
  assert.equal(occupyAll(cells, level, 2), ALL_OCCUPIED)
})
