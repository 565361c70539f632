import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { exchangeRaw } from '../harness/raw-client.ts'
import { useHouse } from './house.ts'

const house = useHouse()
const REQUEST = 'GET /v1/models HTTP/1.1\r\nHost: gateway\r\n\r\n'

test('L18 who has no key cannot fill the disk with refusals; they are counted', async () => {
  const { gateway, client } = house()
  for (let batch = 0; batch < 15; batch++) {
    const last = REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
    const raw = await exchangeRaw(gateway.url, REQUEST.repeat(99) + last)
    assert.ok(raw.responses().every(({ status }) => status === 401))
  }
  const sum = async (name: string) =>
    findSamples(await gateway.metrics(), name).reduce((total, { value }) => total + value, 0)
  await eventually(async () => (await sum('ferro_refused_total')) === 1_500, { deadlineMs: 20_000 })
  const leftOut = await sum('ferro_records_left_out_total')
  assert.ok(leftOut > 400 && leftOut <= 500, `${leftOut}`)
  const { entry } = await client.chat()
  assert.equal(entry.status, 200)
  const refused = () => readLedger(gateway.databasePath).requests.filter((row) => row.outcome === 'refused')
  await eventually(() => refused().length === 1_500 - leftOut, { deadlineMs: 20_000 })
})
