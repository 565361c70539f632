import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { scaledTime } from '../e2e/house.ts'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at } from '../harness/json.ts'
import { BatchesVendor } from '../mocks/anthropic-messages/batches.ts'
import { OperationsUpstream } from '../mocks/openai-operations/upstream.ts'
import { ResponsesKeeper } from '../mocks/openai-responses/keeper.ts'
import { budgetOf } from './budget-metrics.ts'

const VENDOR_KEY = 'unread-provider-key-Hd5wQz8Km3'
const KEYS = {
  batch: keyPair('batch'),
  output: keyPair('output'),
  messages: keyPair('messages'),
  answer: keyPair('answer'),
  killed: keyPair('killed'),
}
/** More than any of them may use, and no more than twice: what is held must be given back. */
const BUDGET = { budgets: [{ tokens: 40_000, per: 'total' }] }
/** What the mocks say. */
const BATCH_TOKENS = 1_500
const ANSWER_TOKENS = 29

const anthropic = new BatchesVendor(VENDOR_KEY)
let batches: OperationsUpstream
let answers: ResponsesKeeper
let gateway: Gateway

before(async () => {
  batches = await OperationsUpstream.start(VENDOR_KEY)
  answers = await ResponsesKeeper.start('u', ['other-account-Lp3x', VENDOR_KEY])
  answers.looksUntilDone = 2
  const direct = { direct: true, api_key: VENDOR_KEY }
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 3,
      reservation: { output_tokens: 1_000 },
      files: { provider: 'oai' },
      unread_usage: { first_look: '500ms', longest_pause: '500ms' },
      providers: {
        oai: { ...direct, kind: 'openai-compatible', base_url: batches.url },
        ant: { ...direct, kind: 'anthropic', base_url: `${await anthropic.start()}/v1` },
        keeper: { ...direct, kind: 'openai-compatible', dialects: ['openai-responses'], base_url: answers.url },
      },
      keys: Object.values(KEYS).map(({ id, hash }) => ({ id, hash, ...BUDGET })),
    },
    readyDeadlineMs: 60_000,
  })
})

after(async () => {
  await gateway?.close()
  await Promise.all([anthropic.close(), batches?.close(), answers?.close()])
})

type Key = (typeof KEYS)[keyof typeof KEYS]

async function post({ secret }: Key, path: string, body: FormData | object): Promise<unknown> {
  const json = body instanceof FormData ? {} : { 'content-type': 'application/json' }
  const version = path.startsWith('/v1/messages') ? { 'anthropic-version': '2023-06-01' } : {}
  const headers = { authorization: `Bearer ${secret}`, connection: 'close', ...version, ...json }
  const sent = body instanceof FormData ? body : JSON.stringify(body)
  const answer = await fetch(`${gateway.url}${path}`, { method: 'POST', headers, body: sent })
  const value: unknown = await answer.json()
  assert.equal(answer.status, 200, JSON.stringify(value))
  return value
}

const used = async ({ id }: Key) => (await budgetOf(gateway, id)).used
const reaches = async (key: Key, tokens: number) => {
  await eventually(async () => (await used(key)) === tokens, { what: `${tokens} tokens of ${key.id}` })
}
const holdsMore = async (key: Key, tokens: number) => {
  await eventually(async () => (await used(key)) > tokens, { what: 'the most that it may use' })
}

/** What the ledger has of a key, and how many attempts came to more than nothing. */
function charged({ id }: Key): unknown[] {
  using database = gateway.db()
  const sum = `SELECT COALESCE(SUM(tokens), 0) AS tokens, COUNT(*) AS rows FROM (
    SELECT SUM(tokens) AS tokens FROM ledger WHERE phase >= 1 AND key_id = ? GROUP BY request_id, attempt) WHERE tokens > 0`
  const row = database.prepare(sum).get(id)
  return [at(row, 'tokens'), at(row, 'rows')]
}

function awaited(kind = ''): unknown {
  using database = gateway.db()
  const row = database.prepare('SELECT COUNT(*) AS rows FROM awaited_usage WHERE thing LIKE ?').get(`${kind}%`)
  return at(row, 'rows')
}

async function beginBatch(key: Key): Promise<void> {
  const form = new FormData()
  form.set('purpose', 'batch')
  const line = { method: 'POST', url: '/v1/chat/completions', body: { model: 'gpt-5-mini', messages: [] } }
  form.set('file', new Blob([Array.from({ length: 4 }, () => JSON.stringify(line)).join('\n')]), 'in.jsonl')
  const file = at(await post(key, '/v1/files', form), 'id')
  await post(key, '/v1/batches', { input_file_id: file, endpoint: '/v1/chat/completions', completion_window: '24h' })
}

test('a batch that nobody looks at is charged to its key when it is over, once, and gives back what was held', async () => {
  await beginBatch(KEYS.batch)
  await reaches(KEYS.batch, BATCH_TOKENS)
  await eventually(() => charged(KEYS.batch)[1] === 1, { what: 'one charge in the ledger' })
  assert.deepEqual(charged(KEYS.batch), [BATCH_TOKENS, 1])
  using database = gateway.db()
  const row = database.prepare("SELECT * FROM requests WHERE route = 'unread' AND key_id = ?").get(KEYS.batch.id)
  assert.deepEqual([at(row, 'provider'), at(row, 'model_served'), at(row, 'status')], ['oai', 'gpt-5-mini', 200])
})

test('a batch that does not say what it used is charged by its output, line by line', async () => {
  batches.batchesTell = false
  await beginBatch(KEYS.output)
  await reaches(KEYS.output, 100)
  batches.batchesTell = true
  await eventually(() => charged(KEYS.output)[1] === 1, { what: 'one charge in the ledger' })
})

test('results of Messages that nobody reads are charged line by line', async () => {
  const key = KEYS.messages
  const params = { model: 'ant/claude-sonnet-4-5', max_tokens: 500, messages: [{ role: 'user', content: 'Hello' }] }
  const made = await post(key, '/v1/messages/batches', { requests: [{ custom_id: 'a', params }] })
  await holdsMore(key, 500)
  const looks = () => anthropic.seen.filter(({ url }) => url.endsWith('/results')).length
  await eventually(() => looks() > 1, { what: 'looks at a batch that goes on' })
  const usage = { input_tokens: 30, output_tokens: 12 }
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5', content: [], usage }
  anthropic.end(String(at(made, 'id')).split('.')[0] ?? '', [
    { custom_id: 'a', result: { type: 'succeeded', message: { ...message, stop_reason: 'end_turn' } } },
  ])
  await reaches(key, 42)
  const told = looks()
  await eventually(() => awaited() === 0, { what: 'nothing to be awaited any more' })
  assert.ok(looks() <= told + 1)
})

test('an answer in the background holds the most that it may use, and is charged when nobody reads it', async () => {
  const key = KEYS.answer
  await post(key, '/v1/responses', { model: 'keeper/gpt-5.2', input: 'Hello', background: true })
  await holdsMore(key, 900)
  await reaches(key, ANSWER_TOKENS)
  const looks = answers.seen.filter(({ method }) => method === 'GET')
  assert.ok(looks.length >= 3, 'two looks found it under way')
  assert.ok(looks.every((look) => look.key === VENDOR_KEY))
  await eventually(() => charged(key)[1] === 1, { what: 'one charge in the ledger' })
})

test('what was begun before a kill is looked at afterwards, and charged once', {
  timeout: scaledTime(60_000),
}, async () => {
  const key = KEYS.killed
  answers.looksUntilDone = 1_000_000
  await beginBatch(key)
  await post(key, '/v1/responses', { model: 'keeper/gpt-5.2', input: 'Hello', background: true })
  const isKept = () => awaited('response') === 1 && (awaited('batch') === 1 || charged(key)[1] !== 0)
  await eventually(isKept, { what: 'what was begun to be in the database' })
  await gateway.kill9()
  answers.finish()
  await gateway.restart()
  await reaches(key, BATCH_TOKENS + ANSWER_TOKENS)
  await gateway.kill9()
  await gateway.restart()
  await eventually(() => awaited() === 0, { what: 'nothing to be awaited any more' })
  assert.equal(await used(key), BATCH_TOKENS + ANSWER_TOKENS)
  assert.deepEqual(charged(key), [BATCH_TOKENS + ANSWER_TOKENS, 2])
  assert.deepEqual(charged(KEYS.batch), [BATCH_TOKENS, 1], 'nothing is charged again')
})
