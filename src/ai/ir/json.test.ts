import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObject, parseExact, RawJson, writeJson } from './json.ts'

test('a number that a double cannot hold is written as it stood', () => {
  const text = '{"id":9007199254740993,"price":0.1234567890123456789,"plain":12,"text":"9007199254740993"}'
  assert.equal(writeJson(parseExact(text)), text)
})

test('a number that a double holds is a number, however it is spelt', () => {
  assert.deepEqual(parseExact('[1e2, 100.0, 1234567890123456]'), [100, 100, 1234567890123456])
})

test('a number that is kept as text is no object', () => {
  assert.equal(isObject(parseExact('9007199254740993')), false)
  assert.equal(isObject({}), true)
  assert.equal(isObject([]), false)
  assert.equal(isObject(null), false)
})

test('raw text stands where it was put, in order, and never where a text only looks like it', () => {
  const value = { a: new RawJson('{"b":1,"b":2,"10":1}'), c: [new RawJson('1.0')], d: 'ferro-raw:0' }
  assert.equal(writeJson(value), '{"a":{"b":1,"b":2,"10":1},"c":[1.0],"d":"ferro-raw:0"}')
})
