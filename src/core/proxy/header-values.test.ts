import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { allValues } from './header-values.ts'

test('all lines of a header are one list, in their order', () => {
  const { head } = offlineExchange({ headers: ['A', '1', 'B', 'x', 'a', '2, 3', 'A', ''] })
  assert.equal(allValues(head, 'a'), '1, 2, 3, ')
  assert.equal(allValues(head, 'b'), 'x')
  assert.equal(allValues(head, 'c'), null)
})
