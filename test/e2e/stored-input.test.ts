import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at, isObject, type JsonObject, parseJson } from '../harness/json.ts'
import { ResponsesKeeper } from '../mocks/openai-responses/keeper.ts'

/*
 * What is reserved for turns and files that lie at the provider, and that a request only names.
 */

const ACCOUNT = 'account-of-stored-input-Kq8v'
const WINDOW = 64_000
const MOST = 100
const key = keyPair('dev')
let vendor: ResponsesKeeper
let gateways: readonly Gateway[]

before(
  async () => {
    vendor = await ResponsesKeeper.start('a', [ACCOUNT])
    const config = (reservation: JsonObject) => ({
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      reservation,
      providers: {
        vendor: {
          kind: 'openai-compatible',
          dialects: ['openai-responses'],
          base_url: vendor.url,
          api_key: ACCOUNT,
        },
      },
      models: {
        kept: { targets: [{ provider: 'vendor', model: 'gpt-5.2', capabilities: { context_tokens: WINDOW } }] },
      },
      keys: [{ id: key.id, hash: key.hash, budgets: [{ tokens: 500_000, per: 'day' }] }],
    })
    gateways = await Promise.all(
      [{}, { unknown_input: 'context_window' }].map(async (rule) => await Gateway.start({ config: config(rule) })),
    )
  },
  { timeout: 60_000 },
)

after(async () => {
  await Promise.all(gateways.map(async (gateway) => await gateway.close()))
  await vendor.close()
})

async function post(gateway: Gateway, path: string, body: JsonObject, headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const json = parseJson(await answer.text())
  assert.ok(answer.ok && isObject(json), JSON.stringify(json))
  return { id: String(json['id']), requestId: answer.headers.get('x-request-id') ?? '' }
}

/** Answers, and what was reserved and charged for it. */
async function turn(gateway: Gateway, more: JsonObject) {
  const made = await post(gateway, '/v1/responses', { model: 'kept', max_output_tokens: MOST, input: 'Hello', ...more })
  const rows = await eventually(() => {
    using database = gateway.db()
    const sql = 'SELECT phase, tokens FROM ledger WHERE request_id = ? ORDER BY phase'
    const found = database.prepare(sql).all(made.requestId)
    return found.length < 2 ? null : found
  })
  return { id: made.id, reserved: Number(at(rows, 0, 'tokens')), used: Number(at(rows, 1, 'tokens')) }
}

/** What a request reserves that is as long and names nothing. */
const asLong = async (gateway: Gateway, named: JsonObject) => {
  const member = JSON.stringify(named).slice(1, -1)
  const frame = '"safety_identifier":""'
  const filled = { safety_identifier: 'u'.repeat(member.length - frame.length) }
  return (await turn(gateway, filled)).reserved
}

test('the turns before are reserved by what they used, whether as an answer or as a conversation', async () => {
  for (const gateway of gateways) {
    const first = await turn(gateway, {})
    assert.ok(first.used > 0)
    const named = { previous_response_id: first.id }
    const second = await turn(gateway, named)
    assert.equal(second.reserved, (await asLong(gateway, named)) + first.used)
    const streamed = { previous_response_id: second.id }
    const third = await turn(gateway, streamed)
    assert.equal(third.reserved, (await asLong(gateway, streamed)) + second.used)

    const { id } = await post(gateway, '/v1/conversations', {}, { 'x-ferro-provider': 'vendor' })
    const within = { conversation: id }
    const began = await turn(gateway, within)
    const plain = await asLong(gateway, within)
    // Nobody knows what such a one was begun with.
    assert.equal(began.reserved, gateway === gateways[1] ? WINDOW + MOST : plain)
    assert.equal((await turn(gateway, within)).reserved, plain + began.used)
  }
})

test('what is known of no turn is reserved by the model’s window, where the operator said so', async () => {
  const [before = assert.fail(), careful = assert.fail()] = gateways
  const input = [
    { role: 'user', content: [{ type: 'input_text', text: 'a text that speaks of "file_id" reserves nothing' }] },
  ]
  for (const gateway of [before, careful]) assert.ok((await turn(gateway, { input })).reserved < 1_000)
  const prompt = { prompt: { id: 'pmpt_123' } }
  assert.ok((await turn(before, prompt)).reserved < 1_000)
  assert.equal((await turn(careful, prompt)).reserved, WINDOW + MOST)
})
