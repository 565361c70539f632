import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findRepeatedKey } from './repeated-key.ts'

const ROWS: readonly [json: string, key: string | null][] = [
  ['{"id":"a","id":"b"}', 'id'],
  [' {"id":"a", "\\u0069d":"b"}', 'id'],
  ['{"limits":{"burst":1,"burst":2}}', 'burst'],
  ['[{"a":1},{"a":2,"b":[{"c":1,"c":2}]}]', 'c'],
  ['[{"a":1},{"a":2}]', null],
  ['{"a":{"b":1},"b":{"a":2},"c":"\\"a\\":1"}', null],
  ['"text"', null],
  ['[]', null],
]

for (const [json, key] of ROWS) {
  test(`of ${json} the key that stands twice is ${key}`, () => {
    assert.equal(findRepeatedKey(Buffer.from(json)), key)
  })
}
