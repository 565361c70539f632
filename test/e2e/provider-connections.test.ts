/* A provider whose connections are all in use: nobody waits for one for ever, and the provider is not to blame. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { errorCode } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { House } from './house.ts'

const PENDING_MS = 400
let house: House

before(async () => {
  house = await House.build({
    models: ['barrier'],
    provider: { max_connections: 1, pending_timeout: `${PENDING_MS}ms` },
    more: { routing: { breaker: { consecutive_failures: 1 } } },
  })
})

after(() => house.close())

test('a request that finds no free connection in time is refused, and opens no breaker', async () => {
  const held = house.client.start({ model: 'barrier' })
  await eventually(() => house.wall.requests.length === 1)
  const began = performance.now()
  const refused = await house.client.chat({ model: 'barrier' })
  const tookMs = performance.now() - began
  assert.deepEqual([refused.status, errorCode(refused.json), refused.headers['retry-after']], [503, 'saturated', '1'])
  assert.ok(tookMs >= PENDING_MS * 0.9 && tookMs < PENDING_MS + 3_000, `${tookMs} ms`)
  house.wall.release()
  assert.equal((await held.result).status, 200)
  const next = house.client.start({ model: 'barrier' })
  await eventually(() => house.wall.requests.length === 2)
  house.wall.release()
  assert.equal((await next.result).status, 200)
})
