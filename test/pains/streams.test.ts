import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { eventually } from '../harness/eventually.ts'
import { at } from '../harness/json.ts'
import { CLIENT_FORMS, type ClientForm, eventsIn } from '../sdk/client-dialects.ts'
import { useDialectHouse } from '../sdk/dialect-house.ts'
import { VENDORS } from '../sdk/vendors/index.ts'
import { GREETING, SCRIPTS, USED } from '../sdk/vendors/script.ts'

/*
 * Streams: how they live and end. Numbers are those of our list of complaints of users of gateways.
 *
 * | pain | here |
 * | --- | --- |
 * | 16, silent thinking | the half that exists: a deadline of its own for the first byte. No comments are sent to keep a connection open yet |
 */

const PRICES = { input: 1, output: 2 }
const house = useDialectHouse({
  models: {
    'priced-hang': { targets: [{ provider: 'anthropic', model: 'claude-sonnet-4-5--hang', prices: PRICES }] },
  },
  timeouts: { first_byte_stream: '2s', idle: '2s' },
})
afterEach(() => house().assertClean())

const user = [{ role: 'user' as const, content: 'Hello' }]

test('pain 14: a client that leaves ends the work of every vendor', async () => {
  for (const { name } of VENDORS) {
    const server = house().server(name)
    const before = server.left
    const request = { model: house().model(name, 'hang'), max_tokens: 100, messages: user }
    const stream = house().anthropic().messages.stream(request)
    stream.once('text', () => stream.abort())
    await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError, name)
    await eventually(() => server.left > before, { what: `${name} to see it` })
  }
})

test('pain 15: a stream that its client left costs what was known and delivered: more than nothing, less than all', async () => {
  const stream = house().anthropic().messages.stream({ model: 'priced-hang', max_tokens: 1_000, messages: user })
  let text = ''
  stream.on('text', (delta) => {
    text += delta
    stream.abort()
  })
  await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError)
  assert.ok(text.length > 0 && text.length < GREETING.length)
  const record = await eventually(
    () => {
      using database = house().gateway.db()
      const query = "SELECT * FROM requests WHERE model_requested = 'priced-hang' AND outcome = 'cancelled'"
      return database.prepare(query).get() ?? null
    },
    { what: 'the record' },
  )
  const [input, output, cost] = ['input_tokens', 'output_tokens', 'cost_nanos'].map((name) => Number(at(record, name)))
  assert.ok(Number(input) > 0 && Number(output) > 0 && Number(output) < USED.output, `${input} and ${output} tokens`)
  assert.equal(cost, Number(input) * 1_000 + Number(output) * 2_000)
})

test('pain 16: a vendor that is silent too long before its first byte is given up with an error of the dialect', async () => {
  house().server('gemini').own.set('silent', { type: 'text/event-stream', pieces: [], forever: '' })
  const check = async ([dialect, form]: [string, ClientForm]) => {
    const model = house().model('gemini', 'silent')
    const answer = await house().post(form.path(model, true), form.body(model, true))
    const text = await answer.text()
    const told =
      answer.status === 200
        ? eventsIn(text)
            .map(form.streamError)
            .find((error) => error !== null)
        : null
    assert.ok(
      answer.status === 504 ? form.error(JSON.parse(text)) !== null : told !== null && told !== undefined,
      `${dialect}: ${text}`,
    )
  }
  await Promise.all(Object.entries(CLIENT_FORMS).map(check))
})

const chunk = (delta: object, finish: string | null = null) => {
  const choices = [{ index: 0, delta, finish_reason: finish }]
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`
}
const USAGE = `data: ${JSON.stringify({
  id: 'c',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [],
  usage: { prompt_tokens: 25, completion_tokens: 15, total_tokens: 40 },
})}\n\n`

test('pain 17: an answer that is whole ends, also where the upstream forgets the last event', async () => {
  const pieces = [chunk({ role: 'assistant', content: 'Hello' }), chunk({}, 'stop'), USAGE]
  house().server('openai').own.set('no-done', { type: 'text/event-stream', pieces })
  for (const [dialect, form] of Object.entries(CLIENT_FORMS)) {
    const model = house().model('openai', 'no-done')
    const answer = await house().post(form.path(model, true), form.body(model, true))
    const events = eventsIn(await answer.text())
    assert.ok(events.some(form.ends), dialect)
    assert.ok(!events.some((event) => form.streamError(event) !== null), dialect)
  }
})

test('pain 18: answers are the same when every byte comes in a packet of its own', async () => {
  for (const vendor of VENDORS) {
    const { name, streamType } = vendor
    const script = SCRIPTS['thought-call']
    assert.ok(script)
    const bytes = Buffer.concat(vendor.stream(script).map((piece) => Buffer.from(piece)))
    const pieces = Array.from(bytes, (byte) => Buffer.from([byte]))
    house().server(name).own.set('cut', { type: streamType, pieces })
    for (const [dialect, form] of Object.entries(CLIENT_FORMS)) {
      if (dialect === 'openai-completions') continue // it has no calls
      const heard = async (name_: string) => {
        const model = house().model(name, name_)
        const answer = await house().post(form.path(model, true), form.body(model, true))
        const record = await house().record(answer.headers.get('x-ferro-request-id'))
        return {
          text: withoutIds(await answer.text()),
          usage: [record['input_tokens'], record['output_tokens'], record['usage_source']],
        }
      }
      assert.deepEqual(await heard('cut'), await heard('thought-call'), `${dialect} before ${name}`)
    }
  }
})

/** Without what is new in each answer. */
function withoutIds(text: string): string {
  return text
    .replace(/[0-9a-f]{32}\w*/g, 'ID')
    .replace(/"(?:created|created_at|completed_at)":\d+/g, '"created":0')
    .replace(/--(?:cut|thought-call)/g, '')
}

test('pain 19: eight megabytes of a picture arrive as they were sent, and are no tokens', async () => {
  const data = Buffer.alloc(6 * 1_024 * 1_024, 'picture').toString('base64')
  const content = [
    { type: 'text' as const, text: 'What is this?' },
    { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${data}` } },
  ]
  for (const { name } of VENDORS) {
    const { data: answer, response } = await house()
      .openai()
      .chat.completions.create({ model: house().model(name, 'text'), messages: [{ role: 'user', content }] })
      .withResponse()
    assert.equal(answer.choices[0]?.message.content, GREETING)
    assert.ok(JSON.stringify(house().server(name).newest).includes(data), name)
    const { id } = await house().record(response.headers.get('x-ferro-request-id'))
    using database = house().gateway.db()
    const reserved = database
      .prepare("SELECT tokens FROM ledger WHERE request_id = ? AND phase IN (0, 'reserve')")
      .get(String(id))
    assert.ok(Number(at(reserved, 'tokens')) < 20_000, `${name} reserved ${String(at(reserved, 'tokens'))} tokens`)
  }
})

test('pain 20: prompts as long as those of agents pass without a word in the configuration', async () => {
  const long = 'lorem ipsum '.repeat(2_500_000)
  for (const name of ['openai', 'anthropic']) {
    const request = { model: house().model(name, 'text'), messages: [{ role: 'user' as const, content: long }] }
    const answer = await house().openai().chat.completions.create(request)
    assert.equal(answer.choices[0]?.message.content, GREETING, name)
  }
})
