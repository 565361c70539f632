import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { House, residentBytes, scaled, scaledTime } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { RawClient } from '../harness/raw-client.ts'
import { BIG_BUDGET } from './budget-metrics.ts'
import { Flood } from './flood.ts'

const KIB = 1_024
const MIB = 1_024 * KIB
/** What one reader that does not read may cost the process, beside what many of them may cost together. */
const PER_READER_BYTES = 512 * KIB
const FIXED_BYTES = 20 * MIB
/** What the kernel holds on both connections, whatever the process does. */
const SOCKET_BUFFER_BYTES = ['tcp_rmem', 'tcp_wmem']
  .map((name) => Number(readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8').split(/\s+/)[2]))
  .reduce((sum, most) => sum + 2 * most, 4 * MIB)

test('clients that do not read hold the upstream back, and their memory is bounded', {
  timeout: scaledTime(240_000),
}, async (t) => {
  const flood = await Flood.start()
  t.after(() => flood.close())
  const house = await House.build({ models: ['flood'], key: BIG_BUDGET, provider: { base_url: flood.url } })
  t.after(() => house.close())
  const { gateway } = house
  const body = { model: 'flood', stream: true, messages: [{ role: 'user', content: 'a' }] }
  const open = async () => {
    const reader = await RawClient.connect(gateway.url)
    // Not even the first byte is taken from the socket.
    reader.setReading('paused')
    await reader.send(house.chatBytes(body))
    return reader
  }
  const readers = [await open()]
  await eventually(() => flood.sentBytes.some((bytes) => bytes > 0))
  const before = residentBytes(gateway.pid)
  const count = scaled(500)
  while (readers.length < count) readers.push(await open())
  await eventually(() => flood.sentBytes.length === count, { deadlineMs: 90_000, what: 'all streams to begin' })
  let last = -1
  // Everything is full when nothing more goes out for a while.
  await eventually(
    () => {
      const now = flood.sentBytes.reduce((sum, bytes) => sum + bytes, 0)
      const still = now === last
      last = now
      return still
    },
    { everyMs: 1_000, deadlineMs: 60_000, what: 'the upstream to be held back' },
  )
  const grown = residentBytes(gateway.pid) - before
  const most = Math.max(...flood.sentBytes)
  t.diagnostic(
    `${count} slow readers: ${(grown / MIB).toFixed(1)} MiB more, ` +
      `the upstream at most ${(most / MIB).toFixed(1)} MiB ahead of one`,
  )
  assert.ok(grown <= count * PER_READER_BYTES + FIXED_BYTES, `${count} slow readers cost ${grown} bytes`)
  assert.ok(most <= SOCKET_BUFFER_BYTES, `the upstream is ${most} bytes ahead`)
  // Linux lets a few sockets grow far more than the others.
  const median = flood.sentBytes.toSorted((a, b) => a - b)[count >> 1] ?? Number.NaN
  assert.ok(median <= 16 * MIB, `the upstream is ${median} bytes ahead of most readers`)
  assert.equal((await house.client.fetch('/v1/models')).status, 200, 'others are served')
  for (const reader of readers) reader.abort()
  await eventually(() => flood.sentBytes.length === 0, { deadlineMs: 15_000, what: 'the streams to be given up' })
  const { databasePath } = gateway
  assert.deepEqual(await violations({ databasePath, metrics: () => gateway.metrics() }, 15_000), [])
  const rows = readLedger(databasePath).requests.filter((row) => row.attempts > 0)
  assert.equal(rows.length, count)
  for (const row of rows) assert.equal(row.outcome, 'cancelled')
})
