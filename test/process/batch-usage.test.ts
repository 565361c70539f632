import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scaledTime } from '../e2e/house.ts'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at } from '../harness/json.ts'
import { OperationsUpstream } from '../mocks/openai-operations/upstream.ts'
import { BIG_BUDGET, budgetOf } from './budget-metrics.ts'

const UPSTREAM_KEY = 'batch-provider-key-Pq7vRt2Ls9'
/** What the mock says of every batch. */
const BATCH_TOKENS = 1_500
const LOOKS = 24

test('a finished batch is charged once, however many workers are asked at once, and after a kill', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const upstream = await OperationsUpstream.start(UPSTREAM_KEY)
  t.after(() => upstream.close())
  const key = keyPair('batches')
  const provider = { kind: 'openai-compatible', direct: true, api_key: UPSTREAM_KEY, base_url: upstream.url }
  const gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 4,
      providers: { vendor: provider },
      keys: [{ id: key.id, hash: key.hash, ...BIG_BUDGET }],
    },
    readyDeadlineMs: 60_000,
  })
  t.after(() => gateway.close())
  const headers = { authorization: `Bearer ${key.secret}` }
  // A connection of its own for each, so that all workers get some.
  const call = async (
    method: string,
    path: string,
    body: FormData | string | null = null,
    more: Record<string, string> = {},
  ) => {
    const answer = await fetch(`${gateway.url}${path}`, {
      method,
      headers: { ...headers, connection: 'close', ...more },
      body,
    })
    return { status: answer.status, json: (await answer.json()) as unknown }
  }
  const form = new FormData()
  form.set('purpose', 'batch')
  const line = { method: 'POST', url: '/v1/chat/completions', body: { model: 'gpt-5-mini', messages: [] } }
  form.set('file', new Blob([JSON.stringify(line)]), 'in.jsonl')
  const file = await call('POST', '/v1/files', form)
  const make = async () => {
    const request = { input_file_id: at(file.json, 'id'), endpoint: '/v1/chat/completions', completion_window: '24h' }
    const before = await used()
    const made = await call('POST', '/v1/batches', JSON.stringify(request), { 'content-type': 'application/json' })
    await eventually(async () => (await used()) > before, { what: 'the most that the batch may use' })
    return `/v1/batches/${String(at(made.json, 'id'))}`
  }
  const look = async (path: string) => await Promise.all(Array.from({ length: LOOKS }, () => call('GET', path)))
  const used = async () => (await budgetOf(gateway, key.id)).used
  // Until its end is told a batch is charged the most that it may use.
  const uses = async (tokens: number) => {
    await eventually(async () => (await used()) === tokens, { what: `${tokens} tokens to be used` })
  }
  const charged = () => {
    using database = gateway.db()
    const each = 'SELECT SUM(tokens) AS tokens FROM ledger WHERE phase >= 1 GROUP BY request_id, attempt'
    const sum = `SELECT COALESCE(SUM(tokens), 0) AS tokens, COUNT(*) AS rows FROM (${each}) WHERE tokens > 0`
    const row = database.prepare(sum).get()
    return [at(row, 'tokens'), at(row, 'rows')]
  }

  const first = await make()
  for (const { status, json } of await look(first)) {
    assert.deepEqual([status, at(json, 'status')], [200, 'completed'])
  }
  await uses(BATCH_TOKENS)
  await gateway.kill9()
  await gateway.restart()
  await look(first)
  await uses(BATCH_TOKENS)

  // Killed while it is looked at: somebody is charged, now or at the next look.
  const second = await make()
  const looks = look(second).catch(() => null)
  await eventually(() => upstream.requests.some(({ path }) => `/v1${path}` === second.split('.')[0]), {
    what: 'a look at the batch',
  })
  await gateway.kill9()
  await looks
  await gateway.restart()
  await look(second)
  await uses(2 * BATCH_TOKENS)
  await eventually(() => charged()[0] === 2 * BATCH_TOKENS, { what: 'both charges in the ledger' })
  assert.deepEqual(charged(), [2 * BATCH_TOKENS, 2])
})
