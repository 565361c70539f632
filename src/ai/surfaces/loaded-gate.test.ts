import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../../../test/request-path/served.ts'
import type { Exchange } from '../../core/index.ts'
import { dialectOf } from '../dialects/tables.ts'
import { loadedGate } from './loaded-gate.ts'

const messages = (url: string, body: object) =>
  fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('a dialect is loaded when the first of its clients asks, and those who ask meanwhile wait for it', async (t) => {
  const { edge, chat } = await serve(t, {})
  assert.equal((await chat('demo-chat')).status, 200)
  assert.throws(() => dialectOf('anthropic-messages'), /not loaded/)
  const body = { model: 'demo-chat', max_tokens: 20, messages: [{ role: 'user', content: 'a' }] }
  const answers = await Promise.all([messages(edge.url, body), messages(edge.url, body)])
  for (const answer of answers) assert.equal(Object(await answer.json()).type, 'message')
  assert.equal(dialectOf('anthropic-messages').client?.name, 'anthropic-messages')
  assert.throws(() => dialectOf('gemini'), /not loaded/)
})

test('a refusal is in the dialect of its client, although that was never loaded', async (t) => {
  const { edge } = await serve(t, { limits: { body: '1KiB' } })
  const answer = await fetch(`${edge.url}/v1beta/models/demo-chat:generateContent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ contents: 'a'.repeat(2_000) }),
  })
  assert.deepEqual([answer.status, Object(await answer.json()).error.code], [413, 413])
  assert.throws(() => dialectOf('gemini'), /not loaded/)
})

test('an upstream of the configuration has its dialect before the first request', async (t) => {
  await serve(t, { providers: { local: { kind: 'ollama', base_url: 'http://127.0.0.1:9', dialects: ['ollama'] } } })
  assert.equal(dialectOf('ollama').upstream?.name, 'ollama')
  assert.throws(() => dialectOf('cohere'), /not loaded/)
})

test('what could not be loaded is tried again with the next request', async () => {
  let tries = 0
  const gate = loadedGate(async () => {
    tries++
    if (tries === 1) throw new Error('no such file')
    return () => null
  })
  // Enough of an exchange for `resume`: one that has no route goes nowhere.
  const x = { settled: false, route: null } as unknown as Exchange
  gate(x)
  await new Promise(setImmediate)
  gate(x)
  await new Promise(setImmediate)
  assert.equal(tries, 2)
  assert.equal(gate(x), null)
})
