import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from '../core/index.ts'
import { runIdOf, saidValuesOf } from './said-values.ts'

function saying(headers: Readonly<Record<string, string>>): Exchange {
  // All that is read of it.
  return { head: { get: (name: string) => headers[name] ?? null } } as unknown as Exchange
}

test('records have what headers say, and no more of it than a field holds', () => {
  assert.deepEqual(saidValuesOf(saying({}), []), { session: null, end_user: null, tags: null })
  const headers = { 'x-session-id': 's', 'x-ferro-end-user': 'ada', 'x-ferro-tags': ' a, b ,a,,c' }
  assert.deepEqual(saidValuesOf(saying(headers), []), { session: 's', end_user: 'ada', tags: 'a,b,c' })
  assert.equal(saidValuesOf(saying({ ...headers, 'x-ferro-session': 'own' }), []).session, 'own')
  const many = Array.from({ length: 200 }, (_, at) => `tag-${at}-${'x'.repeat(80)}`).join(',')
  const tags = saidValuesOf(saying({ 'x-ferro-tags': many }), []).tags?.split(',') ?? []
  assert.deepEqual(
    tags.map((tag) => tag.length),
    [64, 64, 64],
  )
})

test('a run has one name, whichever of the two headers says it', () => {
  assert.equal(runIdOf(saying({})), null)
  assert.equal(runIdOf(saying({ 'x-ferrum-run-id': 'old' })), 'old')
  assert.equal(runIdOf(saying({ 'x-ferrum-run-id': 'old', 'x-ferro-run-id': 'own' })), 'own')
})
