import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { PrivatePostgres } from '../../../test/servers/private-postgres.ts'
import { serverSuite } from '../../../test/servers/servers.ts'
import { putSegment, segmentBytes } from '../testing/journal-files.ts'
import { requestId, reserveText, sampleRecord, settleText, temporaryDirectory } from '../testing/samples.ts'
import { LedgerWriter } from '../writer.ts'
import { instanceName } from './instance-name.ts'
import { openPostgresStore } from './open.ts'

const DAY_MS = Date.UTC(2026, 0, 15)
/** What the samples are charged to. */
const ASKED = {
  counter: 'key:dev:tokens:month',
  period: 24_313,
  level: 'key:dev',
  unit: 'tokens',
  fromMs: Date.UTC(2026, 0),
  toMs: Date.UTC(2026, 1),
} as const
const CHARGE = /\[\["key:dev:tokens:month",24313,\d+\]\]/

serverSuite('postgres', 'the share of each instance in the sum of a counter', () => {
  let server: PrivatePostgres
  before(async () => {
    server = await PrivatePostgres.start()
    process.env.FERRO_PEPPER = 'pepper of the instances of a test'
    process.env.FERRO_CONTENT_KEY = 'content key of the instances of a test'
  })
  after(() => server?.close())

  function open(t: TestContext): { writer: LedgerWriter; dataDir: string; name: string } {
    const dataDir = temporaryDirectory(t)
    const writer = LedgerWriter.open({ dataDir, databaseUrl: server.url() }, openPostgresStore)
    t.after(() => writer.close())
    return { writer, dataDir, name: instanceName(dataDir) }
  }

  /** A request that used so many tokens; one from before there was a budget is charged to none. */
  function ingest({ writer, dataDir }: ReturnType<typeof open>, n: number, tokens: number, isCharged = true): void {
    const id = requestId(n, DAY_MS)
    const record = sampleRecord(id, { input_tokens: tokens, output_tokens: 0, cost_nanos: 0 })
    const entries = [
      reserveText(id, { reservedAt: DAY_MS, tokens, nanos: 0 }),
      settleText(id, { record, tokens, nanos: 0 }),
    ].map((text) => (isCharged ? text : text.replace(CHARGE, '[]')))
    putSegment(dataDir, { sequence: n }, segmentBytes([entries]))
    const { error } = writer.ingest()
    if (error !== null) throw error
  }

  test('is what that one has charged, given back or filled up, and all of them are the sum', (t) => {
    const [one, other] = [open(t), open(t)]
    ingest(one, 1, 30)
    ingest(other, 2, 12)
    ingest(other, 3, 8)
    assert.deepEqual(one.writer.counterShares([ASKED]), [{ own: 30, others: [[other.name, 20]] }])
    assert.deepEqual(other.writer.counterShares([ASKED]), [{ own: 20, others: [[one.name, 30]] }])
    // What the level had used without charging it is the share of the one that finds it.
    ingest(one, 4, 5, false)
    assert.deepEqual(other.writer.counterShares([ASKED]), [{ own: 25, others: [[one.name, 30]] }])
    assert.deepEqual(one.writer.counterShares([ASKED]), [{ own: 30, others: [[other.name, 25]] }])
    assert.deepEqual(one.writer.counterSums([ASKED]), [55])
    assert.deepEqual(one.writer.counterBooks([ASKED]), [{ spent: 55, used: 55, share: 30 }])
  })
})
