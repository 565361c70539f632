import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, serve } from '../../../test/request-path/served.ts'
import { startHttp } from '../../../test/request-path/upstream.ts'

const MESSAGES = [{ role: 'user', content: 'Hello!' }]
const event = (content: string) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`

test('takes JSON under any of its content types, and none but JSON', async (t) => {
  const { post, edge } = await serve(t, {})
  const body = { model: 'demo-chat', messages: MESSAGES }
  for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.api+json', null]) {
    const answer = await post(body, type === null ? {} : { 'content-type': type })
    assert.equal(answer.status, 200, String(type))
  }
  const before = edge.endings.length
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'multipart/form-data']) {
    const answer = await post(body, { 'content-type': type })
    assert.deepEqual([answer.status, codeOf(Object(await answer.json()))], [415, 'unsupported_media_type'], type)
  }
  assert.ok(edge.endings.slice(before).every(({ x }) => x.attempts === 0))
})

test('refuses what it cannot read, and a model that is unknown or not allowed, before anything is dispatched', async (t) => {
  const { post, edge } = await serve(t, { aliases: { talk: 'demo-chat' } }, { modelsDeny: ['demo/demo-chat'] })
  const rows: readonly (readonly [body: string | object, status: number, code: string, param: string | null])[] = [
    ['{', 400, 'invalid_json', null],
    [{ messages: MESSAGES }, 400, 'invalid_request', 'model'],
    [{ model: 'nope', messages: MESSAGES }, 404, 'model_not_found', 'model'],
    [{ model: 'demo-chat', messages: MESSAGES }, 403, 'model_not_allowed', 'model'],
    [{ model: 'demo/demo-chat', messages: MESSAGES }, 403, 'model_not_allowed', 'model'],
    [{ model: 'talk', messages: MESSAGES }, 403, 'model_not_allowed', 'model'],
  ]
  for (const [body, status, code, param] of rows) {
    const answer = await post(body)
    const { error } = (await answer.json()) as { error: { code: string; param: string | null } } // OpenAI's shape
    assert.deepEqual([answer.status, error.code, error.param], [status, code, param], JSON.stringify(body))
  }
  assert.ok(edge.endings.every(({ x }) => x.attempts === 0))
})

test('what an upstream sent before it turned invalid reaches the client, then the error, though the upstream goes silent', async (t) => {
  const upstream = await startHttp(t, (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    // One write, and never an end.
    res.write(`${event('a')}${event('b')}data: no JSON\n\n${event('c')}`)
  })
  const { post, edge } = await serve(t, {
    providers: { far: { kind: 'openai-compatible', base_url: `${upstream.origin}/v1`, direct: true } },
  })
  const answer = await post({ model: 'far/any', stream: true, messages: MESSAGES })
  assert.equal(answer.status, 200)
  const text = await answer.text()
  assert.ok(text.startsWith(event('a') + event('b')), text)
  const [error] = text.slice((event('a') + event('b')).length).split('\n\n')
  assert.equal(codeOf(JSON.parse(error?.slice('data: '.length) ?? '')), 'upstream_invalid_response')
  assert.ok(!text.includes('[DONE]'))
  const [ending] = await edge.settled()
  assert.deepEqual([ending?.end, ending?.error?.code], ['upstream_error', 'upstream_invalid_response'])
})
