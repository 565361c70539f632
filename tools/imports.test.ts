import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findImports } from './imports.ts'

test('finds imports of every form, and says which are of types only', () => {
  const text = `
import { a, type B } from './a.ts'
import type { C } from './c.ts'
import './side-effect.ts'
import * as d from 'd'
import {
  e,
} from "./e.ts"
export { f } from './f.ts'
export type { G } from './g.ts'
export * from './h.ts'
const i = await import('./i.ts')
`
  assert.deepEqual(
    findImports(text).map(({ specifier, line, typeOnly }) => [specifier, line, typeOnly]),
    [
      ['./a.ts', 2, false],
      ['./c.ts', 3, true],
      ['./side-effect.ts', 4, false],
      ['d', 5, false],
      ['./e.ts', 8, false],
      ['./f.ts', 9, false],
      ['./g.ts', 10, true],
      ['./h.ts', 11, false],
      ['./i.ts', 12, false],
    ],
  )
})

test('is not fooled by strings, comments and names', () => {
  const text = `
// import './comment.ts'
const from = 'import { a } from "./string.ts"'
export const x = 'y'
call(from, './argument.ts')
Array.from('abc')
`
  assert.deepEqual(findImports(text), [])
})

test('says which values are imported by name, and null for all of them', () => {
  const rows: readonly (readonly [string, readonly string[] | null])[] = [
    [`import { a, b as c, type D } from 'x'`, ['a', 'b']],
    [`import {\n  a,\n} from 'x'`, ['a']],
    [`import type { A } from 'x'`, []],
    [`import 'x'`, []],
    [`export { a as b } from 'x'`, ['a']],
    [`import a from 'x'`, null],
    [`import a, { b } from 'x'`, null],
    [`import * as a from 'x'`, null],
    [`import { default as a } from 'x'`, null],
    [`export * from 'x'`, null],
    [`await import('x')`, null],
    [`process.getBuiltinModule('x')`, null],
    [`require('x')`, null],
    [`const a = await import('x')`, null],
    [`const { a, b: c, d = 1 } = process.getBuiltinModule('x')`, ['a', 'b', 'd']],
    [`const { a } = await import('x')`, ['a']],
    [`const { a, ...rest } = require('x')`, null],
    [`const { [key]: a } = require('x')`, null],
    [`const { default: a } = await import('x')`, null],
    [`const { a } = wrap(require('x'))`, null],
  ]
  for (const [text, expected] of rows) assert.deepEqual(findImports(text)[0]?.names, expected, text)
})
