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
