import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { errorCode } from '../harness/client.ts'
import { keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { findSamples } from '../harness/metrics.ts'
import { House } from './house.ts'

const warned = keyPair('warned')
const frugal = keyPair('frugal')
const bound = keyPair('bound')
const limited = keyPair('limited')
const spent = keyPair('spent')
const wordy = keyPair('wordy')
const searching = keyPair('searching')

const SWITCH = { usd: 0.001, per: 'day', on_exhausted: { switch_model: 'over-5' } }
const KEYS = [
  { key: warned, budgets: [{ tokens: 400, per: 'total', warn_at: [6, 3, 90] }] },
  { key: frugal, budgets: [SWITCH] },
  { key: bound, models: { allow: ['ok'] }, budgets: [SWITCH] },
  { key: limited, limits: { requests_per_minute: 60, burst: 2, tokens_per_minute: 6_000 } },
  { key: spent, limits: { tokens_per_minute: 400 } },
  { key: wordy, budgets: [{ tokens: 3_000, per: 'total' }] },
  { key: searching, budgets: [{ usd: 1, per: 'day' }] },
]
/** Dollars for a million tokens: a request of the first cannot be paid, one of the second costs nothing. */
const MODELS = [
  { name: 'ok', prices: { input: 1_000, output: 1_000 } },
  { name: 'over-5', prices: { input: 0, output: 0 } },
  { name: 'ok-2', catalogue: 'openai/gpt-4o', prices: { input: 0, output: 0, web_search: 0.1 } },
]

const ONE_TARGET = Object.fromEntries(
  MODELS.map(({ name, ...target }) => [name, { targets: [{ provider: 'wall', model: name, ...target }] }]),
)
/** All requests go to a canary first that the frugal key cannot pay. */
const TRIED = {
  targets: [{ provider: 'wall', model: 'over-6', prices: { input: 0, output: 0 } }],
  canary: { target: { provider: 'wall', model: 'ok', prices: { input: 1_000, output: 1_000 } }, share: '100%' },
}

let house: House

before(
  async () => {
    const models = { ...ONE_TARGET, tried: TRIED }
    const more = { workers: 2, overload: { shed: 'off' }, reservation: { web_searches: 2 }, models }
    house = await House.build({ otherKeys: KEYS, more })
  },
  { timeout: 30_000 },
)

after(async () => await house.close())

const ask = async ({ secret }: TestKey, stream = false) =>
  await house.client.chat({ secret, stream, model: 'ok', body: { max_tokens: 8 } })

async function recordOf(id: string | null): Promise<Record<string, unknown>> {
  return await eventually(() => {
    using database = house.gateway.db()
    return database.prepare('SELECT * FROM requests WHERE id = ?').get(id ?? '') ?? null
  })
}

const lines = () => house.gateway.stderr.text.split('\n').filter((line) => line.includes('reached a threshold'))

/** Tokens that are left of those per minute after one more request. */
const tokensLeft = async () => Number((await ask(spent)).headers['x-ratelimit-remaining-tokens'])

test('a threshold of a budget is told once, in the log, in metrics and in the record of the request that reached it', async () => {
  const told: unknown[] = []
  for (let turn = 0; turn < 5; turn++) {
    const { entry, status } = await ask(warned)
    assert.equal(status, 200)
    told.push((await recordOf(entry.requestId))['budget_events'])
  }
  const event = (percent: number) => `warn(key:warned:tokens:total=${percent})`
  assert.deepEqual(told, [null, event(3), event(6), null, null], '11, 22, 33, 44 and 55 of 400')
  await eventually(() => lines().length === 2)
  assert.match(lines()[0] ?? '', /key:warned.*threshold_percent\W+3\b/)
  const count = async (threshold: string) => {
    const samples = findSamples(await house.gateway.metrics(), 'ferro_budget_warnings_total', { threshold })
    return samples.reduce((sum, { value }) => sum + value, 0)
  }
  await eventually(async () => (await count('3')) === 1 && (await count('6')) === 1)

  let left = await tokensLeft()
  while (left > 180) left = await tokensLeft()
  await house.gateway.stop()
  await house.gateway.restart()
  left = await tokensLeft()
  assert.ok(left < 300, `${left} of 400 tokens per minute are left behind a restart`)
  assert.equal((await ask(warned)).status, 200)
  assert.equal(await count('6'), 0, 'what was told before a restart is not told again')
})

test('a request that a budget does not cover is served by another model, which the answer and the record say', async () => {
  for (const stream of [false, true]) {
    const { entry, status, headers, text } = await ask(frugal, stream)
    assert.equal(status, 200, text)
    assert.equal(headers['x-ferro-switched-from'], 'ok')
    const record = await recordOf(entry.requestId)
    assert.deepEqual(
      [record['model_requested'], record['model_served'], record['budget_events'], record['cost_nanos']],
      ['ok', 'over-5', 'switch(key:frugal:nanos:day)', 0],
    )
  }
  const denied = await ask(bound)
  assert.deepEqual(
    [denied.status, errorCode(denied.json)],
    [402, 'insufficient_quota'],
    'its key may not use that model',
  )
  assert.equal(denied.headers['x-ferro-switched-from'], undefined)
})

test('a canary that a budget does not cover is passed over, and the model that the client asked for serves', async () => {
  const { entry, status, headers } = await house.client.chat({
    secret: frugal.secret,
    model: 'tried',
    body: { max_tokens: 8 },
  })
  assert.deepEqual(
    [status, headers['x-ferro-model'], headers['x-ferro-switched-from']],
    [200, 'wall/over-6', undefined],
  )
  assert.equal((await recordOf(entry.requestId))['budget_events'], null)
})

test('answers tell what is left of requests and tokens, and a refusal when to come again', async () => {
  const first = await ask(limited)
  assert.equal(first.headers['x-ratelimit-limit-requests'], '2')
  assert.equal(first.headers['x-ratelimit-remaining-requests'], '1')
  assert.equal(first.headers['x-ratelimit-limit-tokens'], '6000')
  assert.ok(Number(first.headers['x-ratelimit-remaining-tokens']) < 6_000)
  assert.match(String(first.headers['ratelimit-policy']), /^"requests";q=2;w=2, "tokens";q=6000;w=60$/)
  assert.match(String(first.headers['ratelimit']), /^"requests";r=1;t=1, "tokens";r=\d+;t=\d+$/)
  let refused = await ask(limited)
  for (let turn = 0; turn < 4 && refused.status === 200; turn++) refused = await ask(limited)
  assert.equal(refused.status, 429)
  assert.equal(refused.headers['x-ratelimit-remaining-requests'], '0')
  assert.equal(refused.headers['retry-after'], '1')
  const { headers } = await ask(warned)
  assert.equal(headers['ratelimit'], undefined, 'a key without limits')
})

/** What an attempt was reserved with. */
async function reservedOf(id: string | null): Promise<unknown[]> {
  return await eventually(() => {
    using database = house.gateway.db()
    const row = database.prepare('SELECT tokens, nanos FROM ledger WHERE request_id = ? AND phase = 0').get(id ?? '')
    return row === undefined ? null : Object.values(row)
  })
}

test('what has no room by its bytes is counted by the public tokenizer of its model before it is refused', async () => {
  const say = async (content: string) => {
    const messages = [{ role: 'user', content }]
    return await house.client.chat({ secret: wordy.secret, model: 'ok-2', body: { max_tokens: 8, messages } })
  }
  const fits = await say('word '.repeat(1_500))
  assert.equal(fits.status, 200, fits.text)
  const [tokens] = await reservedOf(fits.entry.requestId)
  assert.ok(Number(tokens) > 1_500 && Number(tokens) < 1_600, `${String(tokens)} tokens reserved`)
  const large = await say('word '.repeat(3_500))
  assert.deepEqual([large.status, errorCode(large.json)], [402, 'insufficient_quota'])
})

test('searches that the provider may make are reserved at their price', async () => {
  const search = async (tool: object) => {
    const body = { max_tokens: 8, tools: [{ type: 'web_search', ...tool }] }
    return await house.client.chat({ secret: searching.secret, model: 'ok-2', body })
  }
  for (const [tool, nanos] of [
    [{ max_uses: 3 }, 300_000_000],
    [{}, 200_000_000],
  ] as const) {
    const { status, entry, text } = await search(tool)
    assert.equal(status, 200, text)
    assert.equal((await reservedOf(entry.requestId))[1], nanos)
  }
  const many = await search({ max_uses: 11 })
  assert.deepEqual([many.status, errorCode(many.json)], [402, 'insufficient_quota'])
})
