import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBody, checkRequest } from './check-request.ts'

const user = (...content: unknown[]) => ({ role: 'user', content })
const assistant = (...content: unknown[]) => ({ role: 'assistant', content })
const hi = { text: 'Hi' }
const good = { messages: [user(hi)] }
const headers = { authorization: 'Bearer k', 'content-type': 'application/json' }
const toolUse = { toolUse: { toolUseId: 'a', name: 'f', input: {} } }
const toolResult = { toolResult: { toolUseId: 'a', content: [{ text: 'x' }] } }
const toolConfig = { tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object' } } } }] }
const document = { document: { format: 'pdf', name: 'a', source: { bytes: 'AAAA' } } }
const cachePoint = { cachePoint: { type: 'default' } }

test('takes a request as the service does, and refuses a wrong path or header', () => {
  const request = { method: 'POST', path: '/model/anthropic.claude/converse', headers, body: good }
  assert.equal(checkRequest(request), null)
  assert.equal(checkRequest({ ...request, path: '/model/x/invoke' })?.status, 404)
  assert.equal(checkRequest({ ...request, headers: {} })?.status, 403)
  const refusal = checkRequest({ ...request, body: {} })
  assert.equal(refusal?.status, 400)
  assert.match(refusal?.headers['x-amzn-errortype'] ?? '', /^ValidationException/)
})

/** Bodies that the service refuses, and where. */
const WRONG: readonly (readonly [string, object])[] = [
  ['odd', { odd: 1 }],
  ['messages', { messages: [assistant(hi)] }],
  ['messages.1', { messages: [user(hi), user(hi)] }],
  ['messages.0.content', { messages: [user()] }],
  ['messages.0.content.0.text', { messages: [user({ text: ' ' })] }],
  ['messages.0', { messages: [user(document)] }],
  ['messages.0', { messages: [user(hi, document, document)] }],
  ['messages.0.content.1.document.name', { messages: [user(hi, { document: { ...document.document, name: 'a.b' } })] }],
  ['toolConfig', { messages: [user(hi), assistant(toolUse), user(toolResult)] }],
  ['messages.2', { toolConfig, messages: [user(hi), assistant(toolUse), user(hi)] }],
  ['messages.0', { toolConfig, messages: [user(toolResult)] }],
  ['toolConfig.toolChoice', { toolConfig: { ...toolConfig, toolChoice: { tool: { name: 'g' } } } }],
  ['cachePoint', { messages: [user(hi, cachePoint, cachePoint, cachePoint, cachePoint, cachePoint)] }],
  ['inferenceConfig.temperature', { inferenceConfig: { temperature: 1.2 } }],
  [
    'inferenceConfig.maxTokens',
    { additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 1024 } } },
  ],
]

for (const [path, members] of WRONG) {
  test(`refuses ${JSON.stringify(members).slice(0, 100)}`, () => {
    assert.equal(checkBody({ ...good, ...members })?.path, path)
  })
}
