import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openLedgerReader } from '../index.ts'
import { putSegment, segmentBytes } from '../testing/journal-files.ts'
import { openWriter } from '../testing/ledger-checks.ts'
import { recordText, requestId, reserveText, sampleRecord, settleText, temporaryDirectory } from '../testing/samples.ts'
import { changeElsewhere, SQLITE_ONLY, storeUrl } from '../testing/stores.ts'
import type { LedgerReport } from './verify.ts'

const NOW = Date.now()
const DAY_MS = 86_400_000
/** Two days ago: nothing of it is under way. */
const THEN = NOW - 2 * DAY_MS
const USED = { input_tokens: 20, output_tokens: 12, reasoning_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 }

function id(n: number, ms = THEN): string {
  return requestId(n, ms)
}

/** A served request whose record says what its attempts were settled at: 32 tokens and 12,345 nano-dollars each. */
function served(n: number, ms = THEN): string[] {
  const record = sampleRecord(id(n, ms), { ...USED, time: ms, cost_nanos: 12_345 })
  return [reserveText(id(n, ms), { reservedAt: ms }), settleText(id(n, ms), { record })]
}

/** One that asked two targets. */
function servedTwice(n: number): string[] {
  const record = sampleRecord(id(n), { ...USED, input_tokens: 52, attempts: 2, time: THEN, cost_nanos: 24_690 })
  return [
    reserveText(id(n), { reservedAt: THEN }),
    settleText(id(n), { record: null }),
    reserveText(id(n), { attempt: 2, reservedAt: THEN }),
    settleText(id(n), { attempt: 2, record }),
  ]
}

async function books(t: TestContext, entries: readonly string[]) {
  const dataDir = temporaryDirectory(t)
  putSegment(dataDir, {}, segmentBytes([entries]))
  const writer = openWriter(t, dataDir)
  writer.recover(NOW)
  const verify = async (): Promise<LedgerReport> => {
    const reader = await openLedgerReader({ dataDir, databaseUrl: storeUrl(dataDir) })
    try {
      return reader.verify(NOW)
    } finally {
      reader.close()
    }
  }
  const corrupt = (sql: string) => {
    changeElsewhere(dataDir, sql)
  }
  return { writer, verify, corrupt }
}

const ALL = [
  ...served(1),
  ...servedTwice(2),
  recordText(
    sampleRecord(id(3), {
      attempts: 0,
      outcome: 'refused',
      cost_nanos: null,
      input_tokens: 0,
      output_tokens: 0,
      reasoning_tokens: 0,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
    }),
  ),
  // Its worker died: it is settled in full, and the record says so.
  reserveText(id(4), { reservedAt: THEN }),
]

test('proves attempts, records and sums of days, also when records are gone', async (t) => {
  const { writer, verify } = await books(t, [...ALL, ...served(9, NOW)])
  const before = await verify()
  assert.deepEqual(before, {
    requests: 5,
    attempts: 5,
    tokens: 4 * 32 + 100,
    nanos: 4 * 12_345 + 50_000,
    days: 2,
    unfinished: 0,
    adjustments: 0,
    differences: [],
  })
  while (writer.forget(NOW - DAY_MS)) {
    // Until nothing is left to remove.
  }
  const after = await verify()
  assert.deepEqual([after.requests, after.attempts, after.days, after.differences], [1, 1, 2, []])
})

/** Every row of usage_daily that is wrong makes the sums of its key and of the gateway wrong beside it. */
const LEVELS_TOO = [
  ['levels', 'gateway', /in level_daily, /],
  ['levels', 'key:dev', /in level_daily, /],
] as const

const CORRUPTIONS: readonly (readonly [
  name: string,
  sql: string,
  found: readonly (readonly [string, string, RegExp])[],
])[] = [
  [
    'a sum of a day',
    'UPDATE usage_daily SET tokens = tokens + 1',
    [['days', 'key dev, wall/small', /tokens in usage_daily, \d+ in the entries/], ...LEVELS_TOO],
  ],
  [
    'a sum of a level',
    "UPDATE level_daily SET nanos = nanos + 1 WHERE level = 'gateway'",
    [['levels', 'gateway', /nanos in level_daily, \d+ in the entries/]],
  ],
  [
    'a sum that is gone',
    'DELETE FROM usage_daily',
    [['days', 'key dev, wall/small', /0 requests in usage_daily, 4 in the entries/], ...LEVELS_TOO],
  ],
  [
    "an entry's amount",
    `UPDATE request_rows SET attempt = json_set(attempt, '$[9]', 12344) WHERE id = '${id(1)}'`,
    [
      ['records', `request ${id(1)}`, /12345 nano-dollars recorded, 12344 in the entries/],
      ['days', 'key dev, wall/small', /87035 nanos in usage_daily, 87034 in the entries/],
    ],
  ],
  [
    'an entry that is gone',
    `UPDATE request_rows SET attempt = NULL WHERE id = '${id(1)}'`,
    [
      ['records', `request ${id(1)}`, /32 tokens recorded, 0 in the entries/],
      ['days', 'key dev, wall/small', /4 requests in usage_daily, 3 in the entries/],
    ],
  ],
  [
    'one attempt of several that is gone',
    `DELETE FROM attempt_rows WHERE request_id = '${id(2)}' AND attempt = 1`,
    [
      ['records', `request ${id(2)}`, /64 tokens recorded, 32 in the entries/],
      ['days', 'key dev, wall/small', /4 requests in usage_daily, 3 in the entries/],
    ],
  ],
  [
    'an entry that is there twice',
    `INSERT INTO attempt_rows SELECT id, 1, attempt FROM request_rows WHERE id = '${id(1)}'`,
    [
      ['attempts', `attempt 1 of ${id(1)}`, /is there twice/],
      ['records', `request ${id(1)}`, /32 tokens recorded, 64 in the entries/],
      ['days', 'key dev, wall/small', /4 requests in usage_daily, 5 in the entries/],
    ],
  ],
  [
    'an amount below zero',
    `UPDATE request_rows SET attempt = json_set(attempt, '$[8]', -5) WHERE id = '${id(4)}'`,
    [
      ['attempts', `attempt 1 of ${id(4)}`, /negative amount/],
      ['days', 'key dev, wall/small', /tokens in usage_daily/],
    ],
  ],
  [
    'a record that is gone',
    `DELETE FROM request_rows WHERE id = '${id(2)}'`,
    [['attempts', `request ${id(2)}`, /has no record/]],
  ],
  [
    "a record's tokens",
    `UPDATE request_rows SET fields = json_set(fields, '$[25]', 21) WHERE id = '${id(1)}'`,
    [['records', `request ${id(1)}`, /33 tokens recorded, 32 in the entries/]],
  ],
]

for (const [name, sql, expected] of CORRUPTIONS) {
  // In PostgreSQL no attempt stands in its request's row.
  const options = /json_set|attempt = NULL|SELECT id, 1, attempt/.test(sql) ? SQLITE_ONLY : {}
  test(`names what does not agree: ${name}`, options, async (t) => {
    const { verify, corrupt } = await books(t, ALL)
    assert.deepEqual((await verify()).differences, [])
    corrupt(sql)
    const { differences } = await verify()
    assert.deepEqual(
      differences.map(({ check }) => check),
      expected.map(([check]) => check),
      JSON.stringify(differences),
    )
    for (const [at, [, of, says]] of expected.entries()) {
      assert.ok(differences[at]?.of.endsWith(of), `${differences[at]?.of} ends in ${of}`)
      assert.match(differences[at]?.says ?? '', says)
    }
  })
}

test('what is under way is no difference: an attempt is settled, and its request goes on', SQLITE_ONLY, async (t) => {
  const { verify, corrupt } = await books(t, served(1))
  corrupt(
    `INSERT INTO attempt_rows VALUES ('${id(7, NOW)}', 1, '[1,${NOW},"dev","wall","small",100,50000,null,0,0,"none"]');
     UPDATE usage_daily SET requests = requests + 1 WHERE day = ${Math.floor(NOW / DAY_MS)};
     INSERT OR IGNORE INTO usage_daily (day, key_id, provider, model, requests, tokens, nanos) VALUES (${Math.floor(NOW / DAY_MS)}, 'dev', 'wall', 'small', 1, 0, 0);
     INSERT INTO level_daily SELECT level, ${Math.floor(NOW / DAY_MS)}, 1, 0, 0 FROM level_daily`,
  )
  const { unfinished, differences } = await verify()
  assert.deepEqual([unfinished, differences], [1, []])
})

test('what was given back counts as an entry of its own, and no more than was charged', async (t) => {
  const { writer, verify, corrupt } = await books(t, ALL)
  const { tokens, nanos } = await verify()
  writer.usage.hold('batch', id(4))
  assert.equal(writer.usage.release('batch', true)?.tokens, 100)
  const after = await verify()
  assert.deepEqual([after.tokens, after.nanos, after.differences], [tokens - 100, nanos - 50_000, []])
  corrupt('UPDATE later_entries SET tokens = tokens - 1')
  const checks = (await verify()).differences.map(({ check, says }) => `${check}: ${says}`)
  assert.match(checks[0] ?? '', /^attempts: was given back more than it was charged$/)
  assert.match(checks[1] ?? '', /^days: .*tokens in usage_daily.*adjusted_tokens in usage_daily/)
  corrupt('DELETE FROM later_entries')
  assert.match((await verify()).differences[0]?.says ?? '', /0 adjusted_tokens|-100 adjusted_tokens in usage_daily/)
})
