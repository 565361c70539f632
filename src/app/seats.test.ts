import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentFrom } from '../config/index.ts'
import { DEFAULT_COUNTER_CELLS } from '../lib/index.ts'
import { slotNeeds } from './route-slots.ts'
import { freeSeat, seatsFor } from './seats.ts'

test('the lowest seat that nobody has is taken, and none beyond the last', () => {
  assert.equal(freeSeat(new Set([0, 2]), 3), 1)
  assert.throws(() => freeSeat(new Set([0, 1, 2]), 3), /no room for another/)
})

test('all workers can be replaced at one moment', () => {
  for (const workers of [1, 8, 64]) {
    const taken = new Set<number>()
    for (let at = 0; at < 2 * workers; at++) taken.add(freeSeat(taken, seatsFor(workers)))
    assert.equal(taken.size, 2 * workers)
  }
})

test('the shared memory holds as many targets of routes as the documentation says', async () => {
  // The table in docs/upstreams.md, "Circuit breakers".
  const promised = [
    [1, 100_000],
    [4, 50_000],
    [8, 30_000],
    [64, 5_000],
  ] as const
  const document = await documentFrom({
    upstreams: { a: { targets: ['http://127.0.0.1:1'] } },
    routes: [{ id: 'a', match: { path: '/a' }, upstream: 'a' }],
  })
  for (const [workers, pairs] of promised) {
    const cells = cellsOf(document, workers) - cellsOf({ ...document, upstreams: {}, routes: [] }, workers)
    assert.ok(cells * pairs <= DEFAULT_COUNTER_CELLS, `${pairs} pairs of ${cells} cells for ${workers} workers`)
  }
})

function cellsOf(document: Parameters<typeof slotNeeds>[0], workers: number): number {
  return slotNeeds(document, seatsFor(workers)).reduce((sum, need) => sum + need.cells, 0)
}
