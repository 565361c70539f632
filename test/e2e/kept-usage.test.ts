import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { putSegment, segmentBytes } from '../../src/storage/testing/journal-files.ts'
import { requestId, reserveText, sampleRecord, settleText } from '../../src/storage/testing/samples.ts'
import { adminOf } from '../harness/admin.ts'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at } from '../harness/json.ts'

const DAY_MS = 86_400_000
const REQUESTS = 8

test('usage by what clients said outlives the records, within the bound that is configured', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ferro-kept-usage-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  // What a gateway left behind that was killed nine days ago.
  const begunMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - 9 * DAY_MS
  const entries = Array.from({ length: REQUESTS }, (_, n) => {
    const id = requestId(n + 1, begunMs + n)
    const said = { run_id: `run-${n}`, session: `s${n}`, end_user: n % 2 === 0 ? 'ada' : 'bob', tags: 'nightly' }
    const record = sampleRecord(id, { time: begunMs + n, key_id: 'dev', ...said })
    return [reserveText(id, { keyId: 'dev', reservedAt: begunMs + n }), settleText(id, { keyId: 'dev', record })]
  })
  putSegment(dataDir, { startMs: begunMs }, segmentBytes([entries.flat()]))
  const { id, hash } = keyPair('dev')
  const gateway = await Gateway.start({
    dataDir,
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      storage: { retention_days: 2, usage_rows: 3 },
      keys: [{ id, hash }],
    },
  })
  t.after(() => gateway.close())
  await eventually(() => {
    using database = gateway.db()
    const row = database.prepare('SELECT count(*) AS n FROM requests').get()
    return row?.['n'] === 0 ? true : null
  })
  const ask = adminOf(gateway)
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  const by = async (name: string) => {
    const { json, status } = await ask('GET', `usage?by=${name}&per=total&from=${day(begunMs)}&to=${day(begunMs)}`)
    assert.equal(status, 200, JSON.stringify(json))
    return (json['data'] as object[]).map((row) => [at(row, name), at(row, 'requests')])
  }
  assert.deepEqual(await by('end_user'), [
    ['ada', REQUESTS / 2],
    ['bob', REQUESTS / 2],
  ])
  assert.deepEqual(await by('tag'), [['nightly', REQUESTS]])
  assert.deepEqual(await by('run'), [
    ['(other)', REQUESTS - 3],
    ['run-0', 1],
    ['run-1', 1],
    ['run-2', 1],
  ])
  const { json } = await ask('GET', `usage?by=key&per=total&from=${day(begunMs)}&to=${day(begunMs)}`)
  const whole = at(json, 'data', 0, 'nanos')
  const runs = await ask('GET', `usage?by=run,session,end_user,tag&per=total&from=${day(begunMs)}&to=${day(begunMs)}`)
  const sum = (runs.json['data'] as { nanos: number }[]).reduce((total, { nanos }) => total + nanos, 0)
  assert.equal(sum, whole)
  assert.ok(sum > 0)
})
