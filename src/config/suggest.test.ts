import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editDistance, suggest } from './suggest.ts'

test('counts insertions, deletions, replacements and swaps of neighbours', () => {
  const pairs: readonly [string, string, number][] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['abc', 'ab', 1],
    ['abc', 'abcd', 1],
    ['abc', 'axc', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
  ]
  for (const [from, to, distance] of pairs) assert.equal(editDistance(from, to), distance, `${from} → ${to}`)
})

test('is the same in both directions, and bounded by the longer word', () => {
  const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c') })
  fc.assert(
    fc.property(word, word, (one, other) => {
      const distance = editDistance(one, other)
      assert.equal(distance, editDistance(other, one))
      assert.ok(distance <= Math.max(one.length, other.length))
      assert.equal(distance === 0, one === other)
    }),
  )
})

test('suggests what was probably meant, and nothing where it would be a guess', () => {
  const keys = ['api_key', 'base_url', 'headers', 'max_connections', 'timeouts']
  const rows: readonly [string, string | null][] = [
    ['apikey', 'api_key'],
    ['apiKey', 'api_key'],
    ['API-KEY', 'api_key'],
    ['api_kye', 'api_key'],
    ['header', 'headers'],
    ['maxConnection', 'max_connections'],
    ['timeout', 'timeouts'],
    ['url', null],
    ['bas', 'base_url'],
    ['ba', null],
    ['flux', null],
    ['', null],
    ['x'.repeat(1000), null],
  ]
  for (const [word, meant] of rows) assert.equal(suggest(word, keys), meant, word)
})

test('does not choose among several words that begin alike', () => {
  assert.equal(suggest('max', ['max_connections', 'headers']), 'max_connections')
  assert.equal(suggest('max', ['max_connections', 'max_requests']), null)
})
