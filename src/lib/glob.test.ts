import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileGlob, compileGlobs } from './glob.ts'

test('matches names as a regular expression with the same meaning does', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 })
  fc.assert(
    fc.property(letters, text, (pattern, name) => {
      const expression = pattern.replaceAll('.', '\\.').replaceAll('*', '.*')
      assert.equal(compileGlob(pattern)(name), new RegExp(`^${expression}$`).test(name))
    }),
    { numRuns: 5000 },
  )
})

test('does not let prefix and suffix share characters', () => {
  assert.equal(compileGlob('aba*ba')('aba'), false)
  assert.equal(compileGlob('aba*ba')('ababa'), true)
})

test('matches a list when any of its patterns does', () => {
  const set = compileGlobs(['gpt-4o', 'claude-*', '*-mini'])
  const names = ['gpt-4o', 'gpt-4o-mini', 'claude-', 'claude-haiku', 'gpt-4', 'GPT-4o', '']
  assert.deepEqual(
    names.filter((name) => set.matches(name)),
    ['gpt-4o', 'gpt-4o-mini', 'claude-', 'claude-haiku'],
  )
  assert.equal(compileGlobs([]).matches(''), false)
})

test('takes time in proportion to the text for a pattern that makes backtracking matchers explode', () => {
  const matches = compileGlob(`${'a*'.repeat(30)}b`)
  assert.equal(matches('a'.repeat(100_000)), false)
  assert.equal(matches(`${'a'.repeat(100_000)}b`), true)
})
