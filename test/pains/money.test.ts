import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import fc from 'fast-check'
import type { UpstreamDialect } from '../../src/ai/dialects/dialect.ts'
import { UPSTREAM_DIALECTS } from '../../src/ai/dialects/testing/all-dialects.ts'
import type { JsonObject } from '../../src/ai/ir/json.ts'
import { Losses } from '../../src/ai/ir/losses.ts'
import { costOf, type Prices, ruleFor, type Usage } from '../../src/ai/models/price.ts'
import { answers as claude } from '../mocks/anthropic-messages/answers.ts'
import { answers as converse } from '../mocks/bedrock-converse/answers.ts'
import { ANSWERS as gemini } from '../mocks/gemini/answers.ts'
import { chatAnswer } from '../mocks/openai-chat/answers.ts'
import { CLIENT_FORMS, eventsIn } from '../sdk/client-dialects.ts'
import { useDialectHouse } from '../sdk/dialect-house.ts'
import { VENDORS } from '../sdk/vendors/index.ts'
import { USED } from '../sdk/vendors/script.ts'

/*
 * Money: what users of gateways lose when usage or prices are lost. Numbers are those of our list of such complaints.
 *
 * | pain | here |
 * | --- | --- |
 * | 3, cost in the client's stream | whose word of a cost is believed; `heartbeats.test.ts` has what clients are told |
 * | 4, pass-through | paths that are relayed in their own dialect; metered pass-through of other paths is tested with that surface |
 */

const PRICES = { input: 1, output: 2, cache_read: 0.1 }
const priced = (provider: string, model: string) => ({ targets: [{ provider, model, prices: PRICES }] })
const house = useDialectHouse({
  models: {
    ...Object.fromEntries(VENDORS.map(({ name, model }) => [`priced-${name}`, priced(name, `${model}--text`)])),
    ...Object.fromEntries(
      VENDORS.filter(({ name }) => name === 'anthropic' || name === 'bedrock').map(({ name, model }) => {
        return [`long-${name}`, { targets: [{ provider: name, model: `${model}--text`, max_output_tokens: 32_000 }] }]
      }),
    ),
  },
  catalogue: { unpriced: 'allow' },
})
afterEach(() => house().assertClean())

/** Nano-dollars of what every answer here used. */
const COST = USED.input * 1_000 + USED.output * 2_000

const DIALECTS = Object.entries(CLIENT_FORMS)

for (const [dialect, form] of DIALECTS) {
  test(`pain 1: a stream has the usage and the price of the whole answer, ${dialect} before every vendor`, async () => {
    for (const { name } of VENDORS) {
      for (const stream of [false, true]) {
        const model = `priced-${name}`
        const answer = await house().post(form.path(model, stream), form.body(model, stream))
        assert.equal(answer.status, 200, await answer.clone().text())
        await answer.text()
        const record = await house().record(answer.headers.get('x-ferro-request-id'))
        const { outcome, input_tokens, output_tokens, usage_source, cost_nanos } = record
        const expected = ['success', USED.input, USED.output, 'reported', COST]
        assert.deepEqual(
          [outcome, input_tokens, output_tokens, usage_source, cost_nanos],
          expected,
          `${name}, ${stream}`,
        )
      }
    }
  })
}

const sse = (...events: readonly object[]) => [
  ...events.map((event) => `data: ${JSON.stringify(event)}\n\n`),
  'data: [DONE]\n\n',
]
const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
const said = {
  ...head,
  choices: [{ index: 0, delta: { role: 'assistant', content: 'Hello there' }, finish_reason: null }],
}
const usage = { prompt_tokens: 25, completion_tokens: 15, total_tokens: 40 }

test('pain 1: usage in a last chunk that still has choices counts, relayed and translated', async () => {
  const last = { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage }
  house()
    .server('openai')
    .own.set('late-usage', { type: 'text/event-stream', pieces: sse(said, last) })
  for (const [dialect, form] of DIALECTS) {
    const model = house().model('openai', 'late-usage')
    const answer = await house().post(form.path(model, true), form.body(model, true))
    await answer.text()
    const record = await house().record(answer.headers.get('x-ferro-request-id'))
    assert.deepEqual(
      [record['input_tokens'], record['output_tokens'], record['usage_source']],
      [25, 15, 'reported'],
      dialect,
    )
  }
})

test('pain 2: usage is always asked for, shown only to those who asked, and a guess is called one', async () => {
  const model = house().model('openai', 'text')
  const body = { model, messages: [{ role: 'user', content: 'Hello' }], stream: true }
  const plain = await (await house().post('/v1/chat/completions', body)).text()
  assert.ok(!plain.includes('"usage":{'))
  assert.deepEqual(house().server('openai').newest['stream_options'], { include_usage: true })
  const messages = CLIENT_FORMS['anthropic-messages']
  assert.ok(messages)
  await (await house().post('/v1/messages', messages.body(model, true))).text()
  assert.deepEqual(house().server('openai').newest['stream_options'], { include_usage: true })
  const end = { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }
  house()
    .server('openai')
    .own.set('no-usage', { type: 'text/event-stream', pieces: sse(said, end) })
  for (const [dialect, form] of DIALECTS) {
    const silent = house().model('openai', 'no-usage')
    const answer = await house().post(form.path(silent, true), form.body(silent, true))
    await answer.text()
    const record = await house().record(answer.headers.get('x-ferro-request-id'))
    assert.equal(record['usage_source'], 'estimated', dialect)
    assert.ok(Number(record['output_tokens']) > 0, dialect)
  }
})

test('pain 3: what an upstream says that it charges is believed of no vendor that documents no such thing, and frees nobody', async () => {
  const answer = { ...chatAnswer('text'), usage: { ...usage, cost: 0 } }
  house()
    .server('openai')
    .own.set('text', { type: 'application/json', pieces: [JSON.stringify(answer)] })
  try {
    for (const path of ['/v1/chat/completions', '/v1/messages']) {
      const messages = [{ role: 'user', content: 'Hello' }]
      const limit = path.endsWith('messages') ? { max_tokens: 100 } : {}
      const sent = await house().post(path, { model: 'priced-openai', messages, ...limit })
      assert.equal(sent.status, 200, await sent.text())
      const record = await house().record(sent.headers.get('x-ferro-request-id'))
      assert.deepEqual([record['cost_nanos'], record['price_rule']], [55_000, 'config:models.priced-openai'], path)
    }
  } finally {
    house().server('openai').own.delete('text')
  }
})

test('pain 3: a tier for which no rule exists is no ordinary price, relayed or translated, however long the answer is', async () => {
  const answer = { ...chatAnswer('text'), usage, service_tier: 'scale' }
  const message = { role: 'assistant', content: 'x'.repeat(400_000) }
  const long = { ...answer, choices: [{ index: 0, message, finish_reason: 'stop' }] }
  for (const body of [answer, long]) {
    house()
      .server('openai')
      .own.set('text', { type: 'application/json', pieces: [JSON.stringify(body)] })
    try {
      for (const path of ['/v1/chat/completions', '/v1/messages']) {
        const messages = [{ role: 'user', content: 'Hello' }]
        const sent = await house().post(path, { model: 'priced-openai', messages, max_tokens: 100 })
        assert.equal(sent.status, 200, await sent.text())
        const record = await house().record(sent.headers.get('x-ferro-request-id'))
        const expected = [null, 'config:models.priced-openai+unpriced:service_tier=scale', 25, 15]
        const { cost_nanos, price_rule, input_tokens, output_tokens } = record
        assert.deepEqual([cost_nanos, price_rule, input_tokens, output_tokens], expected, path)
      }
    } finally {
      house().server('openai').own.delete('text')
    }
  }
})

test('pain 4: what is relayed in a dialect of its own is metered as any other request', async () => {
  for (const [name, path] of [
    ['anthropic', '/v1/messages'],
    ['gemini', `/v1beta/models/${house().model('gemini', 'text')}:streamGenerateContent?alt=sse`],
  ] as const) {
    const form = CLIENT_FORMS[name === 'gemini' ? 'gemini' : 'anthropic-messages']
    const answer = await house().post(path, form?.body(house().model(name, 'text'), true))
    await answer.text()
    const record = await house().record(answer.headers.get('x-ferro-request-id'))
    assert.deepEqual(
      [record['input_tokens'], record['output_tokens'], record['usage_source']],
      [USED.input, USED.output, 'reported'],
    )
  }
})

function usageOf(dialect: UpstreamDialect | undefined, body: JsonObject) {
  const answer = dialect?.decodeAnswer(body, { losses: new Losses(), ids: { next: (prefix) => `${prefix}_1` } })
  assert.ok(answer !== undefined && 'choices' in answer && answer.usage !== undefined)
  return answer.usage
}

const count = fc.nat(1_000_000)

test("pain 5: cached tokens are counted once: the counters share nothing, add up to the vendor's total, and are never negative", () => {
  fc.assert(
    fc.property(count, count, count, count, count, (fresh, read, written, output, thought) => {
      // OpenAI and Gemini count the cached as part of the input, Anthropic and Bedrock beside it.
      const whole = fresh + read
      const cases: readonly (readonly [name: keyof typeof UPSTREAM_DIALECTS, body: JsonObject, total: number])[] = [
        [
          'openai-chat',
          {
            ...chatAnswer('text'),
            usage: {
              prompt_tokens: whole,
              completion_tokens: output + thought,
              total_tokens: whole + output + thought,
              prompt_tokens_details: { cached_tokens: read },
              completion_tokens_details: { reasoning_tokens: thought },
            },
          },
          whole + output + thought,
        ],
        [
          'anthropic-messages',
          {
            ...claude['textAnswer']?.body,
            usage: {
              input_tokens: fresh,
              cache_read_input_tokens: read,
              cache_creation_input_tokens: written,
              output_tokens: output,
            },
          },
          fresh + read + written + output,
        ],
        [
          'bedrock-converse',
          {
            ...converse['textAnswer']?.body,
            usage: {
              inputTokens: fresh,
              cacheReadInputTokens: read,
              cacheWriteInputTokens: written,
              outputTokens: output,
              totalTokens: fresh + read + written + output,
            },
          },
          fresh + read + written + output,
        ],
        [
          'gemini',
          {
            ...gemini['text']?.whole,
            usageMetadata: {
              promptTokenCount: whole,
              cachedContentTokenCount: read,
              candidatesTokenCount: output,
              thoughtsTokenCount: thought,
              totalTokenCount: whole + output + thought,
            },
          },
          whole + output + thought,
        ],
      ]
      for (const [name, body, total] of cases) {
        const counted = usageOf(UPSTREAM_DIALECTS[name], body)
        const numbers = Object.values(counted).filter((value) => typeof value === 'number')
        assert.ok(
          numbers.every((value) => value >= 0),
          name,
        )
        assert.equal(
          numbers.reduce((sum, value) => sum + value, 0),
          total,
          name,
        )
        assert.equal(counted.cacheRead ?? 0, read, name)
      }
    }),
    { numRuns: 50 },
  )
})

test('pain 5: a vendor that counts more cached tokens than input tokens makes nothing negative', () => {
  const body = {
    ...chatAnswer('text'),
    usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6, prompt_tokens_details: { cached_tokens: 9 } },
  }
  const counted = usageOf(UPSTREAM_DIALECTS['openai-chat'], body)
  assert.ok(Object.values(counted).every((value) => typeof value !== 'number' || value >= 0))
})

test('pain 6: prices change by the length of the context, the tier and the lifetime of what is cached', () => {
  const rates = { input: 1_000_000, output: 2_000_000, cacheRead: 100_000, cacheWrite: 1_250_000, request: 0 }
  const prices: Prices = {
    ...rates,
    cacheWrite1h: 2_000_000,
    rule: 'm',
    conditional: [
      { ...rates, input: 500_000, rule: 'm#flex', when: { tier: 'flex' } },
      { ...rates, input: 2_000_000, output: 3_000_000, rule: 'm#long', when: { above: 200_000 } },
    ],
  }
  const used = (more: Partial<Usage>): Usage => {
    return { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0, ...more }
  }
  const priceOf = (more: Partial<Usage>) => {
    const rule = ruleFor(prices, used(more), 0)
    return [rule.rule, costOf(rule, used(more))]
  }
  assert.deepEqual(priceOf({ inputTokens: 200_000 }), ['m', 200_000])
  // What is cached is part of the context: the tier is that of the whole input.
  assert.deepEqual(priceOf({ inputTokens: 200_000, cacheReadTokens: 1 })[0], 'm#long')
  assert.deepEqual(priceOf({ inputTokens: 10, serviceTier: 'flex' }), ['m#flex', 5])
  assert.deepEqual(priceOf({ cacheWriteTokens: 100 }), ['m', 125])
  assert.deepEqual(priceOf({ cacheWrite1hTokens: 100 }), ['m', 200])
})

test('pain 7: a model without a price has no cost at all, never a cost of zero, nor the price of a name that begins alike', async () => {
  const model = house().model('openai', 'text') // begins as a model of the catalogue does
  const answer = await house().post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'Hello' }] })
  await answer.text()
  const { cost_nanos, price_rule, output_tokens } = await house().record(answer.headers.get('x-ferro-request-id'))
  assert.deepEqual([cost_nanos, price_rule, output_tokens], [null, null, USED.output])
})

test('pain 8: the sum of the records, of the ledger and of the daily figures is one number', async () => {
  for (const { name } of VENDORS) {
    const answer = await house().post('/v1/messages', {
      model: `priced-${name}`,
      max_tokens: 100,
      stream: true,
      messages: [{ role: 'user', content: 'Hello' }],
    })
    eventsIn(await answer.text())
    await house().record(answer.headers.get('x-ferro-request-id'))
  }
  await house().assertBooks()
  using database = house().gateway.db()
  const sum = (query: string) => Object.values(database.prepare(query).get() ?? {})[0]
  const records = sum('SELECT SUM(cost_nanos) FROM requests')
  assert.ok(Number(records) >= COST * VENDORS.length)
  assert.equal(sum("SELECT SUM(nanos) FROM ledger WHERE phase IN (1, 'settle')"), records)
  assert.equal(sum('SELECT SUM(nanos) FROM usage_daily'), records)
})

test('pain 9: where a translation must name a limit of output, that limit is reserved', async () => {
  const ask = async (model: string, more: JsonObject = {}) => {
    const answer = await house().post('/v1/chat/completions', {
      model,
      messages: [{ role: 'user', content: 'Hello' }],
      ...more,
    })
    assert.equal(answer.status, 200, await answer.text())
    const id = answer.headers.get('x-ferro-request-id')
    await house().record(id)
    using database = house().gateway.db()
    const row = database.prepare('SELECT tokens FROM ledger WHERE request_id = ? AND phase = 0').get(id)
    return Number(row?.['tokens'])
  }
  for (const name of ['anthropic', 'bedrock']) {
    const reserved = await ask(`long-${name}`)
    assert.ok(reserved > 32_000 && reserved < 33_000, `${name}: ${reserved}`)
    const named = await ask(`long-${name}`, { max_tokens: 50 })
    assert.ok(named < 1_000, `${name}: ${named}`)
    // More than the model has is cut, and not reserved.
    const over = await ask(`long-${name}`, { max_tokens: 90_000 })
    assert.ok(over > 32_000 && over < 33_000, `${name}: ${over}`)
  }
  assert.equal(house().server('anthropic').newest['max_tokens'], 32_000)
})
