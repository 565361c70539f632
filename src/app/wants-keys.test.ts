import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentFrom } from '../config/index.ts'
import { wantsKeys } from './wants-keys.ts'

test('only a document of routes that ask for no keys does without a first key', async () => {
  const routes = [{ id: 'a', respond: {} }]
  const guarded = [...routes, { id: 'b', match: { path: '/b' }, respond: {}, auth: { keys: {} } }]
  const rows = [
    [{}, true],
    [{ routes }, false],
    [{ routes: guarded }, true],
    [{ routes, providers: { a: { kind: 'demo' } } }, true],
    [{ routes, models: { m: { targets: [{ provider: 'demo', model: 'demo-chat' }] } } }, true],
    [{ routes, keys: [{ id: 'a', hash: `sha256:${'a'.repeat(64)}` }] }, true],
  ] as const
  for (const [document, expected] of rows) {
    assert.equal(wantsKeys(await documentFrom(document)), expected, JSON.stringify(document))
  }
})
