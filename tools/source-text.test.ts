import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineAt, splitSource } from './source-text.ts'

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '')

test('tells code, strings and comments apart', () => {
  const { code, strings, comments } = splitSource(`a('b // no') // c 'd'\n/* e\n f */ g("h")`)
  assert.deepEqual(words(code), ['a(', ')', 'g(', ')'])
  assert.deepEqual(words(strings), ["'b", '//', "no'", '"h"'])
  assert.deepEqual(words(comments), ['//', 'c', "'d'", '/*', 'e', 'f', '*/'])
})

test('takes the code inside a template as code, however deep', () => {
  const { code, strings } = splitSource('x = `one $' + '{two({ a: `three $' + '{four}` })} five` + six')
  assert.deepEqual(words(code), ['x', '=', 'two({', 'a:', 'four', '})', '+', 'six'])
  assert.deepEqual(words(strings), ['`one', '${', '`three', '${', '}`', '}', 'five`'])
})

test('does not take a quote in a regular expression for a string, nor a division for a regular expression', () => {
  const { code } = splitSource(`if (/['"\`/]/.test(a)) return /'/\nb = c / d / e; f = 'g'`)
  assert.deepEqual(words(code), ['if', '(', '.test(a))', 'return', 'b', '=', 'c', '/', 'd', '/', 'e;', 'f', '='])
})

test('keeps every offset and line', () => {
  const text = `one // two\n'three' /* four\nfive */ six`
  const parts = splitSource(text)
  for (const part of [parts.code, parts.strings, parts.comments]) {
    assert.equal(part.length, text.length)
    assert.equal(part.split('\n').length, 3)
  }
  assert.equal(lineAt(text, text.indexOf('three')), 2)
  assert.equal(lineAt(text, text.indexOf('six')), 3)
})
