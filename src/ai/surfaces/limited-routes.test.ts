import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPERATIONS } from '../operations/table.ts'
import { CONVERSATIONS, COUNTS } from './conversations.ts'
import { LIMITED_ROUTES } from './limited-routes.ts'

/** Routes that no table has. */
const OTHERS = ['models.list', 'models.get', 'capabilities', 'files', 'batches', 'realtime', 'passthrough']

test('every route that the limits of keys count is known to who restores them', () => {
  const served = [...CONVERSATIONS, ...COUNTS, ...OPERATIONS].map(({ name }) => name)
  assert.deepEqual(LIMITED_ROUTES, [...new Set(served), ...OTHERS])
})
