import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { at } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { useHouse } from './house.ts'

const OK = { provider: 'wall', model: 'ok' }
const house = useHouse({
  models: ['ok'],
  timeouts: { first_byte: '800ms', first_byte_stream: '800ms' },
  more: {
    models: {
      ok: { targets: [OK] },
      silent: { targets: [{ provider: 'wall', model: 'hang-head' }, OK] },
      busy: { targets: [{ provider: 'wall', model: 'status-503' }, OK] },
    },
  },
})

test('S11 a client that leaves before another target is asked ends it: none is', async () => {
  const { wall, client } = house()
  for (const [model, patienceMs] of [
    ['silent', 300],
    ['busy', 0],
  ] as const) {
    for (const stream of [false, true]) {
      const nonce = `s11-${model}-${stream}`
      const call = client.start({ model, stream, nonce })
      await wall.waitForRequests(1, { nonce })
      await delay(patienceMs)
      const asked = wall.byNonce(nonce).length
      call.leave('rst')
      await call.result
      // Longer than the deadline of the first, and than any wait before another attempt.
      await delay(1_500)
      assert.ok(wall.byNonce(nonce).length <= asked + (model === 'busy' ? 1 : 0), `${model}: another was asked`)
      if (model === 'silent') assert.equal(wall.byNonce(nonce).length, 1)
      await eventually(() => wall.byNonce(nonce)[0]?.closedAt !== null || model === 'busy')
    }
  }
  assert.deepEqual(await violations(house().evidence), [])
})

test('F16 who answers for another is named in the answer, its head and the record, and what failed costs nothing', async () => {
  const { client, gateway } = house()
  for (const stream of [false, true]) {
    const nonce = `f16-${stream}`
    const result = await client.chat({ model: 'busy', stream, nonce })
    assert.equal(result.status, 200)
    assert.equal(result.headers['x-ferro-model'], 'wall/ok')
    if (!stream) assert.equal(at(result.json, 'model'), 'ok')
    assert.deepEqual(await violations(house().evidence), [])
    const { requests, ledger } = readLedger(gateway.databasePath)
    const row = requests.find(({ clientRequestId }) => clientRequestId === nonce)
    assert.deepEqual([row?.provider, row?.modelServed, row?.outcome], ['wall', 'ok', 'success'])
    const settled = ledger.filter(({ requestId, phase }) => requestId === row?.id && phase === 'settle')
    const charged = settled.filter(({ tokens }) => tokens > 0)
    assert.equal(charged.length, 1, JSON.stringify(settled))
    assert.deepEqual([charged[0]?.model, charged[0]?.tokens], ['ok', row?.tokens])
  }
})
