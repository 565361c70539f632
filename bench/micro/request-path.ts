/**
 * What the gateway itself adds to a request: the road from the text of a head to a settled record, with everything on
 * (key, rate limit, budget, journal, metrics, access log), without sockets. Prints the best and the
 * median of many rounds in microseconds of one thread; the best is what noise cannot hide.
 */
import { hashKey } from '../../src/storage/index.ts'
import { headOf, openScene } from './scene.ts'

const SECRET = 'bench-secret-key'
const HEAD = headOf(SECRET)
const scene = await openScene()
scene.keys.apply({
  id: 'bench',
  document: {
    id: 'bench',
    hash: hashKey(SECRET),
    previous: null,
    addresses: null,
    enabled: true,
    expiresAt: null,
    scopes: [],
    modelsAllow: null,
    modelsDeny: null,
    rates: [{ level: 'key:bench', slot: 0, limit: 1e9, per: 'minute', intervalUs: 1, burst: 1e9 }],
    tokenRate: null,
    concurrency: null,
    budgets: [
      {
        level: 'key:bench',
        counter: 'key:bench:tokens:month',
        slot: 8,
        unit: 'tokens',
        per: 'month',
        timeZone: 'UTC',
        limit: 9e12,
      },
    ],
    levels: [],
    generationSlot: 0,
    generation: 0,
  },
})

const BATCH = 32
const rounds = Number(process.argv[2] ?? 400)
const times: number[] = []
for (let round = 0; round < rounds; round++) {
  const started = performance.now()
  for (let turn = 0; turn < 20; turn++) await scene.turn(HEAD, BATCH)
  times.push(((performance.now() - started) * 1000) / (20 * BATCH))
}
times.sort((a, b) => a - b)
const at = (share: number) => times[Math.floor(times.length * share)]?.toFixed(2)
console.log(`request path, everything on: best ${at(0)} µs, median ${at(0.5)} µs`)
await scene.close()
