import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatScene, targetOf } from '../../../test/request-path/chat.ts'
import { SecretSet } from '../providers/secret-set.ts'
import { clientHeaders } from './answer-headers.ts'

test('a header of the upstream that shows the secret of its provider goes to no client', () => {
  const target = targetOf({ secrets: new SecretSet(['sk-provider-secret', 'abc']) })
  const { x } = chatScene({}, target)
  const headers = {
    'x-leak': 'key=sk-provider-secret;',
    'x-leaks': ['fine', 'sk-provider-secret'],
    'x-request-id': 'sk-provider-secret',
    'x-short': 'abc',
    server: 'upstream',
  }
  const sent = clientHeaders(x, target, headers, null, false)
  assert.ok(!JSON.stringify(sent).includes('sk-provider-secret'))
  assert.deepEqual(sent.slice(0, 4), ['x-short', 'abc', 'server', 'upstream'], 'what is too short is no secret')
})

test("what tells who the operator's account is goes to no client", () => {
  const { x, target } = chatScene()
  const account = { 'openai-organization': 'org-1', 'openai-project': 'p', 'anthropic-organization-id': 'org-2' }
  const sent = clientHeaders(x, target, { ...account, server: 'upstream' }, null, false)
  assert.ok(sent.includes('upstream'))
  assert.doesNotMatch(JSON.stringify(sent), /org-|project/)
})
