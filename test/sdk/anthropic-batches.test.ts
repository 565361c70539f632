import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at } from '../harness/json.ts'
import { BatchesVendor } from '../mocks/anthropic-messages/batches.ts'
import type { Members } from '../mocks/shape.ts'
import { budgetOf } from '../process/budget-metrics.ts'

const VENDOR_KEY = 'anthropic-batches-Rw4nTc8Vd2'
const KEYS = {
  mine: keyPair('mine'),
  other: keyPair('other'),
  held: keyPair('held'),
  poor: keyPair('poor'),
  metered: keyPair('metered'),
  cut: keyPair('cut'),
  free: keyPair('free'),
  unscoped: keyPair('unscoped'),
  dollars: keyPair('dollars'),
}
const ALLOWED = { models: { allow: ['claude-alias'] } }
const BUDGET = { budgets: [{ tokens: 1_000_000, per: 'total' }] }
const MEMBERS: Readonly<Record<string, object>> = {
  held: ALLOWED,
  poor: { budgets: [{ tokens: 3_000, per: 'total' }] },
  metered: BUDGET,
  cut: BUDGET,
  free: BUDGET,
  unscoped: { scopes: ['batches.manage'] },
  dollars: { budgets: [{ usd: 0.5, per: 'total' }] },
}

const vendor = new BatchesVendor(VENDOR_KEY)
const elsewhere = new BatchesVendor('nobody')
let gateway: Gateway

before(async () => {
  const [url, other] = [await vendor.start(), await elsewhere.start()]
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: {
        ant: { kind: 'anthropic', direct: true, base_url: `${url}/v1`, api_key: VENDOR_KEY },
        oai: { kind: 'openai', direct: true, base_url: `${other}/v1`, api_key: 'unused-key-Zz' },
      },
      models: {
        'claude-alias': { targets: [{ provider: 'ant', model: 'claude-sonnet-4-5' }] },
        'gpt-alias': { targets: [{ provider: 'oai', model: 'gpt-5-mini' }] },
      },
      keys: Object.entries(KEYS).map(([name, { id, hash }]) => ({ id, hash, ...MEMBERS[name] })),
    },
    readyDeadlineMs: 60_000,
  })
})

after(async () => {
  await gateway?.close()
  await Promise.all([vendor.close(), elsewhere.close()])
})

const client = ({ secret } = KEYS.mine) => new Anthropic({ apiKey: secret, baseURL: gateway.url, maxRetries: 0 })
const batches = (key = KEYS.mine) => client(key).messages.batches

function requestsFor(...models: readonly string[]): Anthropic.Messages.BatchCreateParams {
  return {
    requests: models.map((model, index) => ({
      custom_id: `request-${index}`,
      params: { model, max_tokens: 100, messages: [{ role: 'user', content: `claude-alias ${index}` }] },
    })),
  }
}

const plainOf = (id: string) => id.split('.')[0] ?? ''

function succeeded(index: number, usage: Members, model = 'claude-sonnet-4-5'): Members {
  const content = [{ type: 'text', text: 'é — done' }]
  const message = { id: `msg_${index}`, type: 'message', role: 'assistant', model, content, stop_sequence: null }
  return {
    custom_id: `request-${index}`,
    result: { type: 'succeeded', message: { ...message, stop_reason: 'end_turn', usage } },
  }
}

const ERRORED: Members = {
  custom_id: 'request-8',
  result: { type: 'errored', error: { type: 'error', error: { type: 'invalid_request_error', message: 'no' } } },
}
const EXPIRED: Members = { custom_id: 'request-9', result: { type: 'expired' } }

async function resultsOf(id: string, key = KEYS.mine): Promise<readonly string[]> {
  const found = []
  for await (const { custom_id, result } of await batches(key).results(id)) found.push(`${custom_id} ${result.type}`)
  return found
}

const used = async (key: { readonly id: string }) => (await budgetOf(gateway, key.id)).used

test('a batch goes out with the provider’s names of its models, and is the key’s own in every call', async () => {
  const made = await batches().create(requestsFor('claude-alias', 'ant/claude-opus-4-1', 'claude-sonnet-4-5'))
  assert.match(made.id, /^msgbatch_\d+\.at\.ant\.[0-9a-f]{16}$/)
  assert.equal(made.processing_status, 'in_progress')
  const sent: unknown = JSON.parse(vendor.seen.at(-1)?.body ?? '')
  const models = [0, 1, 2].map((index) => at(sent, 'requests', index, 'params', 'model'))
  assert.deepEqual(models, ['claude-sonnet-4-5', 'claude-opus-4-1', 'claude-sonnet-4-5'])
  assert.equal(at(sent, 'requests', 0, 'params', 'messages', 0, 'content'), 'claude-alias 0')
  const second = await batches().create(requestsFor('claude-alias'))
  const theirs = await batches(KEYS.other).create(requestsFor('claude-alias'))
  const own = []
  for await (const { id } of batches().list({ limit: 20 })) own.push(id)
  assert.deepEqual(own, [second.id, made.id])
  assert.ok(!own.includes(theirs.id))
  for (const id of [made.id, plainOf(made.id)]) {
    assert.equal((await batches().retrieve(id)).id, made.id)
    const calls = vendor.seen.length
    const stranger = batches(KEYS.other)
    await assert.rejects(stranger.retrieve(id), Anthropic.NotFoundError)
    await assert.rejects(stranger.cancel(id), Anthropic.NotFoundError)
    await assert.rejects(stranger.delete(id), Anthropic.NotFoundError)
    const address = `${gateway.url}/v1/messages/batches/${id}/results`
    const asked = await fetch(address, { headers: { 'x-api-key': KEYS.other.secret } })
    assert.equal(asked.status, 404)
    assert.equal(at(await asked.json(), 'error', 'type'), 'not_found_error')
    assert.equal(vendor.seen.length, calls)
  }
  assert.equal((await batches().cancel(made.id)).processing_status, 'canceling')
  vendor.end(plainOf(made.id), [EXPIRED])
  assert.equal((await batches().delete(made.id)).id, made.id)
  await assert.rejects(batches().retrieve(made.id), Anthropic.NotFoundError)
  assert.deepEqual(elsewhere.seen, [])
})

test('results stream through from an address of the gateway, and are charged once at prices of batches', async () => {
  const key = KEYS.metered
  const made = await batches(key).create(requestsFor('claude-alias', 'claude-alias'))
  await eventually(async () => (await used(key)) > 200, { what: 'the most that the batch may use to be charged' })
  vendor.end(plainOf(made.id), [
    succeeded(0, { input_tokens: 100, output_tokens: 50, service_tier: 'batch' }),
    ERRORED,
    succeeded(1, { input_tokens: 200, cache_read_input_tokens: 1_000, output_tokens: 20, service_tier: 'batch' }),
    EXPIRED,
  ])
  const ended = await batches(key).retrieve(made.id)
  assert.equal(ended.results_url, `${gateway.url}/v1/messages/batches/${made.id}/results`)
  const lines = ['request-0 succeeded', 'request-8 errored', 'request-1 succeeded', 'request-9 expired']
  for (let look = 0; look < 3; look++) assert.deepEqual(await resultsOf(made.id, key), lines)
  await eventually(async () => (await used(key)) === 1_370, { what: 'what the results told, once' })
  const sum =
    "SELECT SUM(cost_nanos) AS nanos, COUNT(*) AS rows FROM requests WHERE route = 'batches' AND output_tokens = 70"
  await eventually(
    () => {
      using database = gateway.db()
      const row = database.prepare(sum).get()
      return at(row, 'rows') === 1 && at(row, 'nanos') === 300 * 1_500 + 1_000 * 150 + 70 * 7_500
    },
    { what: 'one record of what the batch cost' },
  )
})

test('results that are not read to their end are charged by who reads them whole', async () => {
  const key = KEYS.cut
  const made = await batches(key).create(requestsFor('claude-alias'))
  vendor.end(plainOf(made.id), [succeeded(0, { input_tokens: 30, output_tokens: 12 })])
  await eventually(async () => (await used(key)) > 100, { what: 'the most that the batch may use to be charged' })
  const held = await used(key)
  vendor.answering = (response) => {
    response.writeHead(200, { 'content-type': 'application/x-jsonl', 'content-length': '5000' })
    response.write(`${JSON.stringify(succeeded(0, { input_tokens: 30, output_tokens: 12 }))}\n`, () =>
      response.destroy(),
    )
    return true
  }
  await assert.rejects(resultsOf(made.id, key))
  assert.equal(await used(key), held)
  vendor.answering = () => false
  assert.deepEqual(await resultsOf(made.id, key), ['request-0 succeeded'])
  await eventually(async () => (await used(key)) === 42, { what: 'what the whole results told' })
})

test('a batch none of whose requests was answered costs nothing', async () => {
  const key = KEYS.free
  for (const look of ['', '/results']) {
    const made = await batches(key).create(requestsFor('claude-alias'))
    await eventually(async () => (await used(key)) > 100, { what: 'the most that the batch may use to be charged' })
    vendor.end(plainOf(made.id), [ERRORED, EXPIRED])
    const headers = { 'x-api-key': key.secret, 'anthropic-version': '2023-06-01' }
    const answer = await fetch(`${gateway.url}/v1/messages/batches/${made.id}${look}`, { headers })
    assert.match(await answer.text(), /expired/)
    await eventually(async () => (await used(key)) === 0, { what: 'what was held to be given back' })
  }
})

test('a request that the key may not make refuses the batch before it goes anywhere', async () => {
  const before = vendor.seen.length
  const refusal = async (key: { readonly secret: string }, ...models: readonly string[]) =>
    await client({ ...KEYS.mine, ...key })
      .messages.batches.create(requestsFor(...models))
      .then(
        () => null,
        (error: unknown) => error,
      )
  const denied = await refusal(KEYS.held, 'claude-alias', 'claude-opus-4-1')
  assert.ok(denied instanceof Anthropic.PermissionDeniedError)
  assert.match(denied.message, /Request 2 of the batch: .*claude-opus-4-1/)
  const foreign = await refusal(KEYS.held, 'claude-alias', 'gpt-alias')
  assert.ok(foreign instanceof Anthropic.APIError && (foreign.status === 400 || foreign.status === 403))
  assert.match(foreign.message, /Request 2 of the batch: .*gpt-alias/)
  const unscoped = await refusal(KEYS.unscoped, 'claude-alias')
  assert.ok(unscoped instanceof Anthropic.PermissionDeniedError)
  assert.match(unscoped.message, /messages\.create/)
  const poor = await refusal(KEYS.poor, ...Array.from({ length: 40 }, () => 'claude-alias'))
  assert.ok(poor instanceof Anthropic.APIError)
  assert.match(poor.message, /budget/)
  for (const body of [
    '[]',
    '{}',
    '{"requests":{}}',
    '{"requests":[{"custom_id":"a"}]}',
    '{"requests":[1]}',
    '{"requests":[],"requests":[]}',
    '{"requests":[{"params":{"model":"claude-alias"},"params":{"model":"claude-opus-4-1"}}]}',
    '{"requests":[{"params":{"model":"claude-alias","model":"claude-opus-4-1"}}]}',
  ]) {
    const headers = {
      'x-api-key': KEYS.held.secret,
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
    }
    const answer = await fetch(`${gateway.url}/v1/messages/batches`, { method: 'POST', headers, body })
    assert.equal(answer.status, 400, body)
    assert.equal(at(await answer.json(), 'error', 'type'), 'invalid_request_error', body)
  }
  assert.equal(vendor.seen.length, before)
  assert.equal((await batches(KEYS.held).create(requestsFor('claude-alias'))).processing_status, 'in_progress')
})

test('what requests of a batch may search is reserved with them', async () => {
  const searching = (uses: number): Anthropic.Messages.BatchCreateParams => {
    const tools = [{ type: 'web_search_20250305' as const, name: 'web_search' as const, max_uses: uses }]
    return {
      requests: requestsFor('claude-alias').requests.map(({ params, ...rest }) => ({
        ...rest,
        params: { ...params, tools },
      })),
    }
  }
  await assert.rejects(batches(KEYS.dollars).create(searching(100)), /budget/)
  assert.equal((await batches(KEYS.dollars).create(searching(10))).processing_status, 'in_progress')
})

test('a batch of many requests is looked at whole', async () => {
  const made = await batches().create(requestsFor(...Array.from({ length: 20_000 }, () => 'claude-alias')))
  assert.equal(made.request_counts.processing, 20_000)
  assert.ok(!(vendor.seen.at(-1)?.body ?? '').includes('"claude-alias"'))
})
