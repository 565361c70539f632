/* A row about tenants that share a gateway. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { House } from '../../e2e/house.ts'
import { keyPair } from '../../harness/config.ts'

const ROUNDS = 80
const EVERY_MS = 100

test('L12 a tenant that keeps all its places taken does not slow down another', { timeout: 120_000 }, async (t) => {
  const light = keyPair('light')
  const house = await House.build({
    models: ['ok', 'slow-40'],
    key: { team: 'heavy' },
    otherKeys: [{ key: light, team: 'light' }],
    more: {
      workers: 2,
      overload: { shed: 'off' },
      teams: [{ id: 'heavy', limits: { concurrency: 20 } }, { id: 'light' }],
    },
  })
  t.after(() => house.close())
  const percentile = async () => {
    const client = house.newClient(light)
    const taken: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now()
      assert.equal((await client.chat()).status, 200)
      taken.push(performance.now() - began)
      await delay(EVERY_MS)
    }
    client.close()
    return taken.sort((a, b) => a - b)[Math.floor(ROUNDS * 0.99) - 1] ?? 0
  }
  const alone = await percentile()
  let running = true
  let refused = 0
  const heavy = Array.from({ length: 30 }, async () => {
    while (running) {
      const { status } = await house.client.chat({ model: 'slow-40' })
      if (status === 429) refused++
      // Whoever is refused comes again soon, as a client without manners does.
      if (status === 429) await delay(20)
    }
  })
  const beside = await percentile()
  running = false
  await Promise.all(heavy)
  t.diagnostic(
    `p99 of the light tenant: ${alone.toFixed(1)} ms alone, ${beside.toFixed(1)} ms beside the heavy one, ${refused} refused`,
  )
  assert.ok(refused > 100, 'the heavy tenant’s places were all taken')
  assert.ok(beside <= 2 * alone + 20, `${beside} ms beside, ${alone} ms alone`)
})
