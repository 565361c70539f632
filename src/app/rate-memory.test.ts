import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITED_ROUTES as SERVED_ROUTES } from '../ai/index.ts'
import { LIMITED_ROUTES } from './rate-memory.ts'

test('every route that the limits of keys count is known to who restores them', () => {
  assert.deepEqual(LIMITED_ROUTES, SERVED_ROUTES)
})
