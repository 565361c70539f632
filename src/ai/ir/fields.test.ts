import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldProblem, Fields, fieldsOf } from './fields.ts'
import { Losses } from './losses.ts'

test('members that nobody read are kept, and reported by their path', () => {
  const fields = new Fields({ a: 1, b: 'x', c: null, d: { e: 1 } }, 'messages[3]')
  assert.equal(fields.number('a'), 1)
  assert.equal(fields.string('c'), undefined)
  assert.deepEqual(fields.rest(), { b: 'x', d: { e: 1 } })
  const losses = new Losses()
  fields.report(losses)
  assert.deepEqual(losses.dropped, ['messages[].b', 'messages[].d'])
  assert.equal(losses.header(), 'lossy; dropped=messages[].b,messages[].d')
})

test('a member of the wrong type is a problem that names it', () => {
  const fields = new Fields({ a: '1', list: [{ x: 1 }, 2], word: 'maybe', whole: 1.5 }, '')
  const rows: readonly (readonly [() => unknown, string])[] = [
    [() => fields.number('a'), 'a'],
    [() => fields.items('list'), 'list[1]'],
    [() => fields.oneOf('word', ['yes', 'no']), 'word'],
    [() => fields.integer('whole'), 'whole'],
    [() => fields.text('absent'), 'absent'],
    [() => fieldsOf([], 'body'), 'body'],
  ]
  for (const [read, param] of rows) {
    assert.throws(read, (error) => error instanceof FieldProblem && error.param === param, param)
  }
})

test('names in a report are bounded, and can be a header', () => {
  const losses = new Losses()
  for (let at = 0; at < 100; at++) losses.drop(`member-${at}\r\nx: 1`)
  losses.adapt('x'.repeat(1_000))
  assert.match(losses.header(), /^[\x20-\x7e]{1,4000}$/)
  assert.match(losses.header(), /dropped=\*\(100\)/, 'names that are too many are counted')
})
