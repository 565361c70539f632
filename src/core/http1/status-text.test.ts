import assert from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import { test } from 'node:test'
import { STATUS_TEXT } from './status-text.ts'

test('calls statuses what Node calls them', () => {
  assert.deepEqual({ ...STATUS_TEXT }, { ...STATUS_CODES })
})
