import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openLedgerReader } from './index.ts'
import { putSegment, segmentBytes } from './testing/journal-files.ts'
import { openWriter } from './testing/ledger-checks.ts'
import { requestId, reserveText, sampleRecord, settleText, temporaryDirectory } from './testing/samples.ts'
import { storeUrl } from './testing/stores.ts'
import type { UsageByQuery } from './usage-query.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const START = Date.UTC(2026, 0, 30)

/** 32 tokens of a key in an hour after the start. */
function served(n: number, hour: number, keyId: string): string[] {
  const ms = START + hour * HOUR_MS
  const id = requestId(n, ms)
  const record = sampleRecord(id, { time: ms, key_id: keyId })
  return [reserveText(id, { keyId, reservedAt: ms + 5 }), settleText(id, { keyId, record })]
}

const ALL = [served(1, 0, 'a'), served(2, 1, 'a'), served(3, 1, 'b'), served(4, 26, 'a'), served(5, 50, 'b')].flat()
const WHOLE = {
  by: [],
  per: 'total',
  fromMs: START,
  toMs: START + 4 * DAY_MS,
  keyId: null,
  after: null,
  limit: 100,
} as const

async function usageOf(t: TestContext) {
  const dataDir = temporaryDirectory(t)
  putSegment(dataDir, {}, segmentBytes([ALL]))
  const writer = openWriter(t, dataDir)
  writer.recover(START + 4 * DAY_MS)
  const reader = await openLedgerReader({ dataDir, databaseUrl: storeUrl(dataDir) })
  t.after(() => reader.close())
  const ask = (query: Partial<UsageByQuery>) =>
    reader.usageBy({ ...WHOLE, ...query }).map(({ period, values, requests, tokens, nanos }) => {
      assert.deepEqual([tokens, nanos], [requests * 32, requests * 12_345])
      return [period, ...values, requests]
    })
  return { ask, writer }
}

test('sums usage by any dimensions and periods, of all keys or of one', async (t) => {
  const { ask } = await usageOf(t)
  assert.deepEqual(ask({}), [['', 5]])
  assert.deepEqual(ask({ per: 'hour' }), [
    ['2026-01-30T00', 1],
    ['2026-01-30T01', 2],
    ['2026-01-31T02', 1],
    ['2026-02-01T02', 1],
  ])
  assert.deepEqual(ask({ per: 'day', by: ['key_id'] }), [
    ['2026-01-30', 'a', 2],
    ['2026-01-30', 'b', 1],
    ['2026-01-31', 'a', 1],
    ['2026-02-01', 'b', 1],
  ])
  assert.deepEqual(ask({ per: 'month', by: ['provider', 'model'] }), [
    ['2026-01', 'wall', 'small', 4],
    ['2026-02', 'wall', 'small', 1],
  ])
  assert.deepEqual(ask({ per: 'week', by: ['key_id'], toMs: START + 7 * DAY_MS }), [
    ['2026-01-26', 'a', 3],
    ['2026-01-26', 'b', 2],
  ])
  assert.deepEqual(ask({ by: ['team', 'key_id'] }), [
    ['', '', 'a', 3],
    ['', '', 'b', 2],
  ])
  assert.deepEqual(ask({ per: 'hour', keyId: 'b', fromMs: START + HOUR_MS, toMs: START + 2 * HOUR_MS }), [
    ['2026-01-30T01', 1],
  ])
})

test('a page goes on where the last one ended', async (t) => {
  const { ask } = await usageOf(t)
  for (const by of [['key_id'], ['key_id', 'team']] as const) {
    const whole = ask({ per: 'day', by })
    for (const limit of [1, 3]) {
      const seen: unknown[][] = []
      for (let page = ask({ per: 'day', by, limit }); page.length > 0; ) {
        seen.push(...page)
        page = ask({ per: 'day', by, limit, after: (seen.at(-1) ?? []).slice(0, -1).map(String) })
      }
      assert.deepEqual(seen, whole)
    }
  }
})

test('usage is the same when its records are gone', async (t) => {
  const { ask, writer } = await usageOf(t)
  const questions = [
    {},
    { per: 'hour' },
    { per: 'hour', by: ['key_id', 'project'] },
    { per: 'day', by: ['model', 'team'] },
  ] as const
  const before = questions.map((question) => ask(question))
  while (writer.forget(START + 3 * DAY_MS)) {
    // Until nothing is left to remove.
  }
  assert.deepEqual(
    questions.map((question) => ask(question)),
    before,
  )
})

test('tells usage by what clients said, and by the route, also when records are gone; each tag counts', async (t) => {
  const dataDir = temporaryDirectory(t)
  const said = [
    { session: 's1', end_user: 'ada', tags: 'a,b "c"', run_id: 'r', route: 'chat.completions' },
    { session: 's1', end_user: 'bob', tags: 'a', run_id: 'r', route: 'responses' },
    { session: null, end_user: 'ada', tags: null, run_id: null, route: 'responses' },
  ]
  const entries = said.flatMap((differences, n) => {
    const id = requestId(n + 1, START)
    return [
      reserveText(id, { keyId: 'a', reservedAt: START }),
      settleText(id, { keyId: 'a', record: sampleRecord(id, { time: START, key_id: 'a', ...differences }) }),
    ]
  })
  putSegment(dataDir, {}, segmentBytes([entries]))
  const writer = openWriter(t, dataDir)
  writer.recover(START + 9 * DAY_MS)
  const reader = await openLedgerReader({ dataDir, databaseUrl: storeUrl(dataDir) })
  t.after(() => reader.close())
  const ask = (query: Partial<UsageByQuery>) => {
    return reader.usageBy({ ...WHOLE, ...query }).map(({ values, requests }) => [...values, requests])
  }
  const rows: readonly (readonly [UsageByQuery['by'], unknown[][]])[] = [
    [
      ['session'],
      [
        ['', 1],
        ['s1', 2],
      ],
    ],
    [
      ['end_user', 'route'],
      [
        ['ada', 'chat.completions', 1],
        ['ada', 'responses', 1],
        ['bob', 'responses', 1],
      ],
    ],
    [
      ['run', 'model'],
      [
        ['', 'small', 1],
        ['r', 'small', 2],
      ],
    ],
    [
      ['tag'],
      [
        ['', 1],
        ['a', 2],
        ['b "c"', 1],
      ],
    ],
  ]
  for (const [by, expected] of rows) {
    assert.deepEqual(ask({ by }), expected)
    const [first = []] = expected
    const after = ['', ...first.slice(0, -1).map(String)]
    assert.deepEqual(ask({ by, keyId: 'a', after, limit: 1 }), expected.slice(1, 2), 'the page behind')
  }
  while (writer.forget(START + 8 * DAY_MS)) {
    // Until nothing is left to remove.
  }
  for (const [by, expected] of rows) assert.deepEqual(ask({ by }), expected, 'the records are gone')
  const both = ask({ by: ['session', 'end_user', 'tag'] })
  assert.deepEqual(both.slice(0, 2), [
    ['', 'ada', '', 1],
    ['s1', 'ada', 'a', 1],
  ])
})

test('of a day with too much that was said the rest counts as others, and no sum changes', async (t) => {
  const dataDir = temporaryDirectory(t)
  const entries = Array.from({ length: 40 }, (_, n) => {
    const id = requestId(n + 1, START + n)
    const said = { run_id: `run-${n}`, session: `s${n % 10}`, end_user: `u${n % 4}`, tags: 'a,b' }
    return [
      reserveText(id, { keyId: 'a', reservedAt: START + n }),
      settleText(id, { keyId: 'a', record: sampleRecord(id, { time: START + n, key_id: 'a', ...said }) }),
    ]
  })
  putSegment(dataDir, {}, segmentBytes([entries.flat()]))
  const writer = openWriter(t, dataDir)
  writer.recover(START + 9 * DAY_MS)
  const reader = await openLedgerReader({ dataDir, databaseUrl: storeUrl(dataDir) })
  t.after(() => reader.close())
  const ask = (by: UsageByQuery['by']) => reader.usageBy({ ...WHOLE, by, limit: 100 })
  const sumOf = (by: UsageByQuery['by']) => {
    const rows = ask(by)
    const sum = (unit: 'requests' | 'tokens' | 'nanos') => rows.reduce((total, row) => total + row[unit], 0)
    return [sum('requests'), sum('tokens'), sum('nanos')]
  }
  const before = [sumOf([]), sumOf(['run']), sumOf(['run', 'session', 'end_user'])]
  while (writer.forget(START + 8 * DAY_MS, 6)) {
    // Until nothing is left to remove.
  }
  assert.deepEqual([sumOf([]), sumOf(['run']), sumOf(['run', 'session', 'end_user'])], before)
  assert.equal(ask(['run']).find(({ values }) => values[0] === 'run-0')?.requests, 1)
  assert.equal(ask(['run']).find(({ values }) => values[0] === '(other)')?.requests, 34)
  assert.deepEqual(
    ask(['end_user']).map(({ values, requests }) => [...values, requests]),
    ['u0', 'u1', 'u2', 'u3'].map((user) => [user, 10]),
    'what fits without run and session is whole',
  )
  assert.ok(ask(['run', 'session', 'end_user', 'tag']).length <= 4 * 6 * 2 + 2)
  assert.deepEqual(reader.verify(START + 9 * DAY_MS).differences, [])
  const days = reader.usageBy({ ...WHOLE, by: ['key_id'], limit: 9 })
  assert.deepEqual(
    days.map(({ requests }) => requests),
    [40],
  )
})
