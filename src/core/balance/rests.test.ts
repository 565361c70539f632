import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounters } from '../../lib/index.ts'
import { Rests } from './rests.ts'
import { viewCells } from './shared-cells.ts'

test('a place rests until the latest moment that was asked for, and no other place with it', () => {
  const cells = viewCells(createCounters(8))
  const rests = new Rests(cells, 3, 2)
  assert.equal(rests.leftMs(0, 1_000), 0)
  rests.rest(0, 6_000, 'asked')
  rests.rest(0, 3_000, 'supposed')
  assert.deepEqual([rests.leftMs(0, 1_000), rests.leftMs(1, 1_000)], [5_000, 0])
  assert.equal(rests.leftMs(0, 6_000), 0)
  assert.equal(new Rests(cells, 3, 2).leftMs(0, 5_000), 1_000)
  rests.end(0)
  assert.equal(rests.leftMs(0, 1_000), 0)
})

test('whether the server asked for a rest is told apart from what is only supposed', () => {
  const rests = new Rests(viewCells(createCounters(8)), 2, 2)
  rests.rest(0, 5_000, 'supposed')
  rests.rest(1, 5_000, 'asked')
  assert.deepEqual([rests.leftMs(0, 1_000), rests.askedMs(0, 1_000)], [4_000, 0])
  assert.deepEqual([rests.leftMs(1, 1_000), rests.askedMs(1, 1_000)], [4_000, 4_000])
})
