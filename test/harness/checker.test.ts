import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { violations } from './checker.ts'
import { ChatClient } from './client.ts'
import { parseMetrics } from './metrics.ts'
import { WALL_KEY, Wall } from './wall/wall.ts'

const SCHEMA = `
  CREATE TABLE requests (id, client_request_id, trace_id, key_id, model_served, provider, status, outcome, error_code, attempts,
    cancelled, usage_source, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens);
  CREATE TABLE ledger (request_id, attempt, phase, reserved_at, key_id, provider, model, tokens, nanos);
  CREATE TABLE usage_daily (day, key_id, provider, model, requests, tokens, nanos);`

type Values = Readonly<Record<string, string | number | null>>

/** A database as a correct gateway leaves it after one request of 3 + 8 tokens, and the means to spoil it. */
class Books {
  readonly path: string
  readonly database: DatabaseSync

  constructor(t: TestContext) {
    const directory = mkdtempSync(join(tmpdir(), 'ferro-checker-'))
    this.path = join(directory, 'ferro.db')
    this.database = new DatabaseSync(this.path)
    this.database.exec(SCHEMA)
    t.after(() => {
      this.database.close()
      rmSync(directory, { recursive: true })
    })
  }

  insert(table: string, values: Values): void {
    const columns = Object.keys(values)
    const marks = columns.map(() => '?').join(', ')
    this.database
      .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`)
      .run(...Object.values(values))
  }

  /** All rows of one successful request, with changes to each. */
  request(id: string, changes: { request?: Values; reserve?: Values; settle?: Values; daily?: Values } = {}): void {
    const where = { key_id: 'dev', provider: 'wall', model: 'ok' }
    const entry = { request_id: id, attempt: 1, reserved_at: Date.UTC(2026, 0, 1), nanos: 0, ...where }
    this.insert('requests', {
      id,
      client_request_id: `nonce-${id}`,
      key_id: 'dev',
      status: 200,
      outcome: 'success',
      attempts: 1,
      cancelled: 0,
      usage_source: 'reported',
      input_tokens: 3,
      output_tokens: 8,
      ...changes.request,
    })
    this.insert('ledger', { ...entry, phase: 0, tokens: 100, ...changes.reserve })
    this.insert('ledger', { ...entry, phase: 1, tokens: 11, ...changes.settle })
    this.insert('usage_daily', { day: 1, requests: 1, tokens: 11, nanos: 0, ...where, ...changes.daily })
  }

  check(): Promise<string[]> {
    return violations({ databasePath: this.path }, 0)
  }
}

test('finds nothing in books that are right, ids as text or as bytes', async (t) => {
  const books = new Books(t)
  books.request('0199c0de-0000-7000-8000-000000000001')
  assert.deepEqual(await books.check(), [])
  books.database.exec(`UPDATE requests SET id = x'0199c0de000070008000000000000001'`)
  assert.deepEqual(await books.check(), [])
})

const SPOILED: readonly (readonly [name: string, spoil: (books: Books) => void, complaint: RegExp])[] = [
  [
    'a reservation without settlement',
    (b) => b.database.exec('DELETE FROM ledger WHERE phase = 1'),
    /has 0 settle rows/,
  ],
  [
    'a settlement without reservation',
    (b) => b.database.exec('DELETE FROM ledger WHERE phase = 0'),
    /has 0 reserve rows/,
  ],
  [
    'two settlements',
    (b) => b.database.exec('INSERT INTO ledger SELECT * FROM ledger WHERE phase = 1'),
    /has 2 settle rows/,
  ],
  ['ledger rows without request', (b) => b.database.exec('DELETE FROM requests'), /have no request/],
  [
    'an attempt without ledger rows',
    (b) => b.database.exec('UPDATE requests SET attempts = 2'),
    /attempt 2 .* has no ledger/,
  ],
  ['an attempt too many', (b) => b.database.exec('UPDATE ledger SET attempt = 2'), /attempt 2 .* is beyond/],
  [
    'a roll-up that lost tokens',
    (b) => b.database.exec('UPDATE usage_daily SET tokens = 10'),
    /usage_daily .* has 10 tokens/,
  ],
  ['a roll-up that is missing', (b) => b.database.exec('DELETE FROM usage_daily'), /usage_daily .* has 0 tokens/],
  ['a negative amount', (b) => b.database.exec('UPDATE ledger SET tokens = -1 WHERE phase = 1'), /negative amount/],
  ['the wrong key', (b) => b.database.exec(`UPDATE ledger SET key_id = 'other'`), /charged to other, not to dev/],
  ['a success with 500', (b) => b.database.exec('UPDATE requests SET status = 500'), /success without 2xx/],
  ['a success with an error', (b) => b.database.exec(`UPDATE requests SET error_code = 'x'`), /success with error x/],
  ['a refusal with 200', (b) => b.database.exec(`UPDATE requests SET outcome = 'refused'`), /refused without an error/],
  [
    'a cancelled flag alone',
    (b) => b.database.exec('UPDATE requests SET cancelled = 1'),
    /differs from its cancelled flag/,
  ],
  [
    'usage none for a dispatch',
    (b) => b.database.exec(`UPDATE requests SET usage_source = 'none'`),
    /success without usage/,
  ],
]

for (const [name, spoil, complaint] of SPOILED) {
  test(`finds ${name}`, async (t) => {
    const books = new Books(t)
    books.request('r1')
    spoil(books)
    assert.match((await books.check()).join('\n'), complaint)
  })
}

test('compares the wall and the clients with the database', async (t) => {
  const wall = await Wall.start()
  const client = new ChatClient(() => `http://127.0.0.1:${wall.port}`, WALL_KEY)
  t.after(async () => {
    client.close()
    await wall.close()
  })
  const books = new Books(t)
  books.request('r1')
  const look = () => violations({ databasePath: books.path, wall, clients: [client] }, 0)
  await client.chat({ nonce: 'nonce-r1' })
  assert.deepEqual(await look(), [])

  await client.chat({ nonce: 'nonce-r2' })
  assert.match((await look()).join('\n'), /request 2 at the wall \(ok, nonce-r2\) is not in the database/)
  const lost = { outcome: 'lost', status: 0, client_request_id: null, usage_source: 'reserved' }
  books.request('r2', { request: { ...lost, model_served: 'slow-5' } })
  assert.match((await look()).join('\n'), /request 2 at the wall/, 'a lost row of another model is not its own')
  books.database.exec(`UPDATE requests SET model_served = 'ok' WHERE id = 'r2'`)
  assert.deepEqual(await look(), [], 'a lost row stands for a request that nobody can name')

  books.database.exec(`UPDATE requests SET output_tokens = 9 WHERE id = 'r1'`)
  assert.match((await look()).join('\n'), /r1 has 3\+9 tokens, the wall told/)
  books.database.exec(`UPDATE requests SET output_tokens = 8 WHERE id = 'r1'`)

  books.request('r3', { request: { client_request_id: 'nonce-r1' } })
  assert.match((await look()).join('\n'), /nonce-r1 is in the database 2 times/)
})

test('compares what clients saw with the rows of their requests', async (t) => {
  const books = new Books(t)
  books.request('r1')
  const base = { nonce: 'nonce-r1', model: 'ok', stream: false, status: 200, requestId: 'r1', outcome: 'done' } as const
  const look = (entry: object) =>
    violations({ databasePath: books.path, clients: [{ log: [{ ...base, ...entry }] }] }, 0)
  assert.deepEqual(await look({}), [])
  assert.match((await look({ status: 502 })).join(), /answered 502, its row says 200/)
  assert.match((await look({ requestId: 'r9' })).join(), /r9 \(status 200\) has 0 rows/)
  assert.match((await look({ nonce: 'other' })).join(), /belongs to other/)
  assert.match((await look({ outcome: 'cut' })).join(), /was cut, its row says success/)
  assert.match((await look({ outcome: 'open' })).join(), /still open/)
})

test('compares the budgets of the metrics with the ledger', async (t) => {
  const books = new Books(t)
  books.request('r1')
  const look = (used: number, reserved: number, more = '') => {
    const text = `ferro_budget_used{key="dev",unit="tokens",per="month"} ${used}\nferro_budget_reserved{key="dev"} ${reserved}\n`
    return violations({ databasePath: books.path, metrics: () => Promise.resolve(parseMetrics(text + more)) }, 0)
  }
  assert.deepEqual(await look(11, 0), [])
  const over = 'ferro_budget_overshoot{key="dev",unit="tokens",per="month"} 1\n'
  assert.deepEqual(await look(10, 0, over), [])
  assert.match((await look(12, 0)).join(), /has used 12 tokens, the ledger settled 11/)
  assert.match((await look(11, 5)).join(), /5 are still reserved/)
})

test('looks again until ingest is complete', async (t) => {
  const books = new Books(t)
  books.request('r1')
  books.database.exec('DELETE FROM ledger WHERE phase = 1')
  const result = violations({ databasePath: books.path }, 5_000)
  const where = { key_id: 'dev', provider: 'wall', model: 'ok' }
  books.insert('ledger', { request_id: 'r1', attempt: 1, phase: 1, reserved_at: 0, tokens: 11, nanos: 0, ...where })
  assert.deepEqual(await result, [])
})
