import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBody, checkRequest } from './check-request.ts'

const good = { model: 'm', max_tokens: 2000, messages: [{ role: 'user', content: 'Hi' }] }
const headers = { 'x-api-key': 'k', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' }
const call = { type: 'tool_use', id: 'a', name: 'f', input: {} }
const tools = [{ name: 'f', input_schema: { type: 'object' } }]
const user = (content: unknown) => ({ role: 'user', content })
const assistant = (content: unknown) => ({ role: 'assistant', content })
const thinking = { type: 'enabled', budget_tokens: 1024 }
const marked = { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }

test('takes a request as the vendor does', () => {
  assert.equal(checkRequest({ method: 'POST', path: '/v1/messages?beta=true', headers, body: good }), null)
  const { max_tokens: _limit, ...counted } = good
  assert.equal(checkRequest({ method: 'POST', path: '/v1/messages/count_tokens', headers, body: counted }), null)
})

test('refuses a wrong method, path or header with the vendor’s error', () => {
  const statusOf = (change: object) => {
    return checkRequest({ method: 'POST', path: '/v1/messages', headers, body: good, ...change })?.status
  }
  assert.equal(statusOf({ method: 'GET' }), 405)
  assert.equal(statusOf({ path: '/messages' }), 404)
  assert.equal(statusOf({ headers: { ...headers, 'x-api-key': undefined } }), 401)
  assert.equal(statusOf({ headers: { ...headers, 'anthropic-version': undefined } }), 400)
  assert.equal(statusOf({ body: {} }), 400)
})

/** Bodies that the vendor refuses, and the path that it names. */
const WRONG: readonly (readonly [string, object])[] = [
  ['odd', { odd: 1 }],
  ['messages.0.content.0.odd', { messages: [user([{ type: 'text', text: 'a', odd: 1 }])] }],
  ['messages.0', { messages: [assistant('a')] }],
  ['messages.0', { messages: [user([{ type: 'tool_result', tool_use_id: 'a' }])] }],
  ['messages.2', { tools, messages: [user('x'), assistant([call]), user('y')] }],
  [
    'messages.2',
    { tools, messages: [user('x'), assistant([call]), user([marked, { type: 'tool_result', tool_use_id: 'a' }])] },
  ],
  ['messages.1', { tools, messages: [user('x'), assistant([call, call])] }],
  ['messages.1', { messages: [user('x'), assistant('a ')] }],
  ['messages.0', { messages: [user(' ')] }],
  ['messages.0', { messages: [user([])] }],
  ['max_tokens', { thinking: { ...thinking, budget_tokens: 2000 } }],
  ['thinking.budget_tokens', { thinking: { ...thinking, budget_tokens: 10 } }],
  ['thinking', { thinking, tools, tool_choice: { type: 'any' } }],
  ['temperature', { thinking, temperature: 0.5 }],
  ['temperature', { temperature: 1.1 }],
  ['cache_control', { messages: [user([marked, marked, marked, marked, marked])] }],
  ['stop_sequences.0', { stop_sequences: [' '] }],
  ['tool_choice', { tool_choice: { type: 'auto' } }],
  ['tool_choice', { tools, tool_choice: { type: 'tool', name: 'g' } }],
  ['tools', { tools: [...tools, ...tools] }],
  ['tools.0.name', { tools: [{ ...tools[0], name: 'a.b' }] }],
]

for (const [path, members] of WRONG) {
  test(`refuses ${JSON.stringify(members).slice(0, 100)}`, () => {
    assert.equal(checkBody({ ...good, ...members })?.path, path)
  })
}
