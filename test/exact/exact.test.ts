import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../crash/random.ts'
import { scaled, scaledTime } from '../e2e/house.ts'
import { kindsFor, LEVELS } from './cells.ts'
import { playAll, someOf } from './play.ts'

const CLIENTS = 40
const REQUESTS = scaled(3)
const SEED = Math.floor(Math.random() * 2 ** 32)
/** Each of the gateway's cells is a start more; `npm run exact` has them. */
const SHORT_LEVELS = LEVELS.filter((level) => level !== 'gateway')

/** Each kind with one worker or with four. */
for (const [turn, workers] of [1, 4].entries()) {
  test(`B7 B8 limits and budgets hold exactly for many clients that leave and upstreams that fail, with ${workers} worker(s)`, {
    timeout: scaledTime(60_000),
  }, async (t) => {
    t.diagnostic(`seed ${SEED}`)
    const random = new SeededRandom(SEED + workers)
    const kinds = kindsFor(CLIENTS * REQUESTS)
    const cells = someOf(kinds, SHORT_LEVELS, kinds.length, random).filter((_cell, at) => at % 2 === turn)
    const options = { clients: CLIENTS, requests: REQUESTS, random }
    const found = await playAll(cells, { workers, replicas: 1 }, options)
    assert.ok(found.length === 0, `seed ${SEED}: ${found.slice(0, 20).join('\n')}`)
  })
}
