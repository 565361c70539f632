import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkChatBody, checkChatRequest } from './check-request.ts'

const user = { role: 'user', content: 'x' }
const base = { model: 'm', messages: [user] }
const calls = {
  role: 'assistant',
  tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
}
const tools = [{ type: 'function', function: { name: 'f' } }]

test('the stand-in for the vendor takes a request that is right', () => {
  assert.equal(
    checkChatBody({ ...base, tools, tool_choice: 'auto', stream: true, stream_options: { include_usage: true } }),
    null,
  )
  assert.equal(
    checkChatBody({ ...base, messages: [user, calls, { role: 'tool', tool_call_id: 'a', content: '1' }] }),
    null,
  )
})

for (const [what, body, param] of [
  ['an unknown member', { ...base, top_k: 5 }, 'top_k'],
  [
    'an unknown member of a message',
    { ...base, messages: [{ ...user, reasoning_content: 'x' }] },
    'messages[0].reasoning_content',
  ],
  ['a wrong type', { ...base, temperature: '1' }, 'temperature'],
  ['a number out of bounds', { ...base, temperature: 3 }, 'temperature'],
  ['too many stop sequences', { ...base, stop: ['1', '2', '3', '4', '5'] }, 'stop'],
  [
    'a result without its call',
    { ...base, messages: [{ role: 'tool', tool_call_id: 'a', content: '1' }] },
    'messages.[0].role',
  ],
  ['a call without its result', { ...base, messages: [calls, user] }, 'messages.[0].tool_calls'],
  [
    'an assistant who says nothing',
    { ...base, messages: [{ role: 'assistant', content: null }] },
    'messages.[0].content',
  ],
  ['a choice without tools', { ...base, tool_choice: 'auto' }, 'tool_choice'],
  [
    'a choice of a tool that is not there',
    { ...base, tools, tool_choice: { type: 'function', function: { name: 'g' } } },
    'tool_choice',
  ],
  ['options of a stream without a stream', { ...base, stream_options: {} }, 'stream_options'],
  ['both limits', { ...base, max_tokens: 1, max_completion_tokens: 1 }, 'max_tokens'],
  ['metadata that nothing is stored with', { ...base, metadata: { a: 'b' } }, 'metadata'],
] as const) {
  test(`the stand-in for the vendor refuses ${what}`, () => {
    const refusal = checkChatBody(body)
    assert.equal(refusal?.status, 400)
    assert.equal(refusal.body.error.param, param)
  })
}

test('the stand-in for the vendor looks at method, path, key and content type', () => {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer k' }
  const seen = { method: 'POST', path: '/v1/chat/completions', headers, body: base }
  assert.equal(checkChatRequest(seen, { key: 'k' }), null)
  assert.equal(checkChatRequest({ ...seen, path: '/chat/completions' })?.status, 404)
  assert.equal(checkChatRequest({ ...seen, method: 'GET' })?.status, 405)
  assert.equal(checkChatRequest(seen, { key: 'other' })?.status, 401)
  assert.equal(checkChatRequest({ ...seen, headers: {} })?.status, 400)
})
