import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatScene, targetOf } from '../../../test/request-path/chat.ts'
import { SecretSet } from '../providers/secret-set.ts'
import { clientHeaders } from './answer-headers.ts'

test('a header of the upstream that shows the secret of its provider goes to no client', () => {
  const target = targetOf({ secrets: new SecretSet(['sk-provider-secret', 'abc']) })
  const { x } = chatScene({}, target)
  const headers = {
    'cache-control': 'key=sk-provider-secret;',
    warning: ['fine', 'sk-provider-secret'],
    'x-request-id': 'sk-provider-secret',
    'openai-version': 'abc',
    'content-language': 'en',
  }
  const sent = clientHeaders(x, target, headers, null, false)
  assert.ok(!JSON.stringify(sent).includes('sk-provider-secret'))
  assert.deepEqual(
    sent.slice(0, 4),
    ['openai-version', 'abc', 'content-language', 'en'],
    'what is too short is no secret',
  )
})

test('of the upstream a client gets the headers that are for clients, and of all others none, known or not', () => {
  const target = targetOf({})
  const { x } = chatScene({}, target)
  const operators = {
    'anthropic-organization-id': 'org-1',
    'openai-organization': 'org-1',
    'openai-project': 'p',
    'azureml-model-session': 's',
    'x-ms-region': 'r',
    'x-amzn-requestid': 'a',
    'apim-request-id': 'b',
    'x-goog-quota-user': 'q',
    'cf-ray': 'c',
    server: 'edge',
    'x-new': 'whatever comes next',
  }
  const clients = {
    'content-type': 'application/json',
    'retry-after-ms': '20',
    'x-ratelimit-limit-requests': '9',
    'anthropic-ratelimit-input-tokens-remaining': '8',
    'request-id': 'req_1',
  }
  const sent = clientHeaders(x, target, { ...operators, ...clients }, null, false)
  const names = sent.filter((_, at) => at % 2 === 0)
  assert.deepEqual(names.slice(0, 5), Object.keys(clients))
  assert.ok(Object.keys(operators).every((name) => !names.includes(name)))
})
