import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEMO_PROVIDER, PROVIDERS } from '../../src/ai/index.ts'
import { serve } from '../request-path/served.ts'
import { CASES, KEY, type ProviderCase } from './cases.ts'
import { startVendor } from './vendor.ts'
import { FRAMED, WIRES } from './wire.ts'

test('every kind of provider has a case for each of its dialects', () => {
  const there = new Set(CASES.map(({ kind, dialect }) => `${kind} ${dialect}`))
  const needed = PROVIDERS.filter(({ kind }) => kind !== DEMO_PROVIDER).flatMap(({ kind, endpoints }) =>
    endpoints.map(({ dialect }) => `${kind} ${dialect}`),
  )
  assert.deepEqual([...there].sort(), [...new Set(needed)].sort())
})

for (const each of CASES) {
  test(`${each.kind} is asked in ${each.dialect} at ${each.origin}${each.path}`, async (t) => {
    const wire = WIRES[each.dialect]
    const vendor = await startVendor(t, ({ path }) => {
      if (each.framed === true && path === each.streamPath) return FRAMED
      return path === each.streamPath || wantsStream(vendor.seen.at(-1)?.body ?? '')
        ? { type: wire.streamType, body: wire.stream }
        : { body: JSON.stringify(wire.whole) }
    })
    const config = { kind: each.kind, api_key: KEY, direct: true, dialects: [each.dialect], ...each.config }
    const { edge } = await serve(
      t,
      { providers: { p: config } },
      {},
      {
        connect: vendor.connect,
        environment: each.environment ?? {},
      },
    )
    for (const stream of [false, true]) {
      // Where no client speaks the dialect, one of chat completions is translated.
      const ask = wire.ask ?? WIRES['openai-chat'].ask
      const { path, body } = ask?.(`p/${each.model}`, stream) ?? { path: '', body: {} }
      const headers = {
        'content-type': 'application/json',
        authorization: 'Bearer virtual-key',
        'x-api-key': 'virtual',
      }
      const answer = await fetch(`${edge.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      const text = await answer.text()
      assert.equal(answer.status, 200, text)
      assert.match(answer.headers.get('content-type') ?? '', stream ? /^text\/event-stream/ : /^application\/json/)
      assert.ok(SAID.test(text) && !text.includes('"error":{'), text)
      checkRequest(each, stream, vendor.seen.at(-1))
    }
    assert.equal(vendor.seen.length, 2)
  })
}

/** What the answers of the mocks say. */
const SAID = /The sky|Hello|a gateway/

function wantsStream(body: string): boolean {
  return body !== '' && Object(JSON.parse(body)).stream === true
}

test('mistral gets ids of calls of nine letters and digits, each call its own and each result its call', async (t) => {
  const vendor = await startVendor(t, () => ({ body: JSON.stringify(WIRES['openai-chat'].whole) }))
  const config = { kind: 'mistral', api_key: KEY, direct: true }
  const { edge } = await serve(t, { providers: { p: config } }, {}, { connect: vendor.connect, environment: {} })
  const ids = ['toolu_01ABCDEFGH', 'toolu_02ABCDEFGH', 'abcDEF123']
  const calls = ids.map((id) => ({ type: 'tool_use', id, name: 'look', input: {} }))
  const results = ids.map((id) => ({ type: 'tool_result', tool_use_id: id, content: `of ${id}` }))
  const messages = [
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: calls },
    { role: 'user', content: results },
  ]
  const answer = await fetch(`${edge.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer virtual-key' },
    body: JSON.stringify({ model: 'p/mistral-large-latest', max_tokens: 64, messages }),
  })
  assert.equal(answer.status, 200, await answer.text())
  const sent: { messages: { tool_calls?: { id: string }[]; tool_call_id?: string; content: unknown }[] } = JSON.parse(
    vendor.seen[0]?.body ?? '{}',
  )
  const made = sent.messages.flatMap(({ tool_calls = [] }) => tool_calls.map(({ id }) => id))
  assert.equal(new Set(made).size, 3)
  for (const id of made) assert.match(id, /^[a-zA-Z0-9]{9}$/)
  assert.equal(made[2], ids[2])
  const told = sent.messages.filter(({ tool_call_id: id }) => id !== undefined)
  assert.deepEqual(
    told.map(({ tool_call_id: id, content }) => [id, content]),
    made.map((id, at) => [id, `of ${ids[at]}`]),
  )
})

function checkRequest(
  each: ProviderCase,
  stream: boolean,
  seen: Awaited<ReturnType<typeof startVendor>>['seen'][number] | undefined,
): void {
  assert.ok(seen !== undefined)
  const { method, origin, path, headers } = seen
  const expected = stream ? (each.streamPath ?? each.path) : each.path
  assert.deepEqual({ method, origin, path }, { method: 'POST', origin: each.origin, path: expected })
  for (const [name, value] of Object.entries(each.headers)) assert.equal(headers[name], value, name)
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(headers['accept-encoding'], 'identity')
  for (const name of ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']) {
    if (each.headers[name] === undefined) assert.equal(headers[name], undefined, `${name} must not be sent`)
  }
  const body: Record<string, unknown> = JSON.parse(seen.body)
  for (const [name, value] of Object.entries(each.body ?? {})) {
    assert.equal(body[name], value, name)
    delete body[name]
  }
  if (each.framed === true) assert.ok(!('stream' in body), seen.body)
  const { bodyModel = each.model } = each
  if (bodyModel === null) assert.ok(!('model' in body), seen.body)
  else assert.equal(body['model'], bodyModel)
  const isNamedByPath = bodyModel === null && !['gemini', 'bedrock-converse', 'replicate'].includes(each.dialect)
  const wrong = WIRES[each.dialect].check(isNamedByPath ? { ...body, model: each.model } : body)
  assert.equal(wrong, null, `${JSON.stringify(wrong)} in ${seen.body}`)
}
