import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { serve } from '../../../test/request-path/served.ts'
import { startHttp } from '../../../test/request-path/upstream.ts'

const MESSAGES = { messages: [{ role: 'user', content: 'Hello there' }] }
const CONTENTS = { contents: [{ role: 'user', parts: [{ text: 'Hello there' }] }] }

/** A gateway in front of a vendor that answers every count so; tells what the vendor was asked. */
async function house(t: TestContext, status: number, body: object) {
  const asked: { path: string; body: unknown }[] = []
  const upstream = await startHttp(t, (req: IncomingMessage, res: ServerResponse) => {
    const pieces: Buffer[] = []
    req.on('data', (piece: Buffer) => pieces.push(piece))
    req.on('end', () => {
      asked.push({ path: req.url ?? '', body: JSON.parse(Buffer.concat(pieces).toString()) })
      res.writeHead(status, { 'content-type': 'application/json' })
      res.end(JSON.stringify(body))
    })
  })
  const served = await serve(t, {
    providers: { claude: { kind: 'anthropic', api_key: 'secret-1234', base_url: `${upstream.origin}/v1` } },
    models: { small: { targets: [{ provider: 'claude', model: 'claude-x' }] } },
  })
  const post = async (path: string, value: object) => {
    const answer = await fetch(served.edge.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(value),
    })
    const text: unknown = await answer.json()
    return { status: answer.status, headers: answer.headers, body: text }
  }
  return { asked, post }
}

test('the model’s own vendor counts, whatever dialect the client asks in', async (t) => {
  const { asked, post } = await house(t, 200, { input_tokens: 2095 })
  const own = await post('/v1/messages/count_tokens', { model: 'small', ...MESSAGES })
  assert.deepEqual([own.status, own.body], [200, { input_tokens: 2095 }])
  assert.equal(own.headers.get('x-ferro-token-count'), 'vendor')
  const other = await post('/v1beta/models/small:countTokens', CONTENTS)
  assert.equal(Object(other.body).totalTokens, 2095)
  const sent = { path: '/v1/messages/count_tokens', body: { model: 'claude-x', ...MESSAGES } }
  assert.deepEqual(asked, [sent, sent])
})

test('what is counted in the vendor’s own dialect keeps every member, both ways', async (t) => {
  const answer = { input_tokens: 7, context_management: { original_input_tokens: 70 } }
  const { asked, post } = await house(t, 200, answer)
  const more = {
    context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] },
    tool_choice: { type: 'auto' },
    tools: [{ name: 'f', input_schema: { type: 'object' } }],
    new_member: [1],
  }
  const { status, body } = await post('/v1/messages/count_tokens', { model: 'small', ...MESSAGES, ...more })
  assert.deepEqual([status, body], [200, answer])
  assert.deepEqual(asked[0]?.body, { model: 'claude-x', ...MESSAGES, ...more })
})

test('where nobody counts, the gateway estimates, and says so', async (t) => {
  const { asked, post } = await house(t, 200, {})
  const { status, headers, body } = await post('/v1/messages/count_tokens', { model: 'demo-chat', ...MESSAGES })
  assert.equal(status, 200)
  assert.equal(headers.get('x-ferro-token-count'), 'estimated')
  assert.ok(Object(body).input_tokens > 3)
  assert.equal(asked.length, 0)
})

test('what goes wrong is told in the client’s dialect', async (t) => {
  const failing = await house(t, 529, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })
  const overloaded = await failing.post('/v1beta/models/small:countTokens', CONTENTS)
  assert.deepEqual([overloaded.status, Object(overloaded.body).error.status], [503, 'UNAVAILABLE'])
  const empty = await house(t, 200, { note: 'nothing' })
  const unread = await empty.post('/v1/messages/count_tokens', { model: 'small', ...MESSAGES })
  assert.deepEqual([unread.status, Object(unread.body).type], [502, 'error'])
  const unknown = await empty.post('/v1/messages/count_tokens', { model: 'nope', ...MESSAGES })
  assert.deepEqual([unknown.status, Object(unknown.body).error.type], [404, 'not_found_error'])
  const bad = await empty.post('/v1/messages/count_tokens', { model: 'small' })
  assert.deepEqual([bad.status, Object(bad.body).error.type], [400, 'invalid_request_error'])
  assert.equal(empty.asked.length, 1)
})

test('a body with more members than any conversation has is refused before it is worked through', async (t) => {
  const { asked, post } = await house(t, 200, { input_tokens: 1 })
  const messages = Array.from({ length: 80_000 }, () => ({ role: 'user', content: '' }))
  const { status, body } = await post('/v1/messages/count_tokens', { model: 'small', messages })
  assert.equal(status, 400)
  assert.match(JSON.stringify(body), /members and list items/)
  assert.deepEqual(asked, [])
})
