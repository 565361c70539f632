import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHAT, chatRequestOf, chatScene } from '../../../test/request-path/chat.ts'
import { GatewayError } from '../../core/index.ts'
import { ConversationState } from '../conversation/conversation-state.ts'
import type { Capabilities } from '../dialects/dialect.ts'
import { endpointsOf } from '../providers/endpoints.ts'
import { providerRow } from '../providers/table.ts'
import { UNKNOWN } from './capabilities.ts'
import { TargetEndpoint } from './target-endpoint.ts'

/** A body of chat completions as a provider's model of this name gets it. */
function relayed(kind: string, vendorName: string, body: string, more: Partial<Capabilities> = {}): [string, string] {
  const row = providerRow(kind)
  const found = row === null ? undefined : endpointsOf(row, { root: '', settings: { api_version: 'v1' } })
  const endpoint = found?.find(({ endpoint: { dialect } }) => dialect === 'openai-chat')?.endpoint
  assert.ok(endpoint !== undefined && row !== null)
  const capabilities = { ...UNKNOWN, family: row.family, ...more }
  const target = new TargetEndpoint({
    endpoint,
    model: 'm',
    vendorName,
    capabilities,
    onUnsupported: 'drop',
    onLoss: 'allow',
    headers: [],
    dialect: null,
  })
  // Before the request is scanned: another scan ends its validity.
  const { x } = chatScene()
  const bytes = Buffer.from(body)
  const request = chatRequestOf(bytes)
  const state = new ConversationState(CHAT, request)
  const prepared = target.relay(x, state, bytes, request)
  assert.ok(!(prepared instanceof GatewayError))
  return [prepared.body.toString(), state.losses?.header() ?? 'exact']
}

test("OpenAI's reasoning models get the limit under the name that they take, others as the client wrote it", () => {
  const body = '{"model":"m", "max_tokens": 12 ,"messages":[]}'
  const renamed = '{"max_completion_tokens":12,"model":"m", "messages":[]}'
  for (const model of ['o1', 'o3-mini', 'o4-mini-2025-04-16', 'gpt-5', 'gpt-5.2', 'gpt-5-chat-latest', 'gpt-6-mini']) {
    assert.deepEqual(relayed('openai', model, body), [renamed, 'exact'], model)
    assert.deepEqual(relayed('azure-openai', model, body), [renamed, 'exact'], model)
  }
  for (const model of ['gpt-4o', 'gpt-4.1', 'gpt-3.5-turbo', 'gpt-oss-120b']) {
    assert.deepEqual(relayed('openai', model, body), [body, 'exact'], model)
  }
  assert.deepEqual(relayed('openai', 'omega', body, { reasoning: 'effort' }), [renamed, 'exact'])
  assert.deepEqual(relayed('groq', 'openai/gpt-5', body), [body, 'exact'])
  const both = '{"model":"m","max_tokens":12,"max_completion_tokens":9,"messages":[]}'
  assert.equal(relayed('openai', 'o3', both)[0], '{"model":"m","max_completion_tokens":9,"messages":[]}')
})

test("a developer's message is the system's where nobody else has the word, and every other byte stays", () => {
  const messages =
    '[ {"role" : "developer","content":"\\"role\\":\\"developer\\" 日本"},{"role":"user","name":"developer","content":[{"role":"developer"}]} ]'
  const body = `{"model":"m","messages":${messages} }`
  const changed = body.replace('"role" : "developer"', '"role" : "system"')
  for (const kind of ['openai', 'azure-openai']) assert.equal(relayed(kind, 'gpt-4o', body)[0], body)
  for (const kind of ['mistral', 'deepseek', 'openai-compatible', 'vllm']) {
    assert.deepEqual(relayed(kind, 'any', body), [changed, 'exact'], kind)
  }
  const without = '{"model":"m","messages":[{"role":"user","content":"developer"}]}'
  assert.equal(relayed('mistral', 'any', without)[0], without)
})

test('what asks a model to think is left out where its vendor would refuse it', () => {
  const body = '{"model":"m","reasoning_effort":"low","messages":[]}'
  const none = { reasoning: 'none' } as const
  assert.deepEqual(relayed('openai', 'gpt-4o', body, none), [
    '{"model":"m","messages":[]}',
    'lossy; dropped=reasoning_effort',
  ])
  // A catalogue may be wrong about models that many serve.
  assert.deepEqual(relayed('groq', 'some-model', body, none), [body, 'exact'])
})
