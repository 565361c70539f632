import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { DO_NOT_APPLY, NARROWED, ROWS, SCALES } from './catalogue.ts'
import { findTests, namesOf } from './found-tests.ts'
import { tableOf, verdictOf } from './table.ts'

const tests = findTests(path.resolve(import.meta.dirname, '../..'))

test('every row of the catalogue has a test, or says why it does not apply', () => {
  assert.equal(ROWS.length, 188)
  const tested = new Set(tests.flatMap(({ rows }) => rows))
  for (const row of ROWS) {
    assert.notEqual(tested.has(row), DO_NOT_APPLY[row] !== undefined, `${row}: a test, or a reason, and not both`)
  }
})

test('no test and no note is of a row that there is not', () => {
  const known = new Set(ROWS)
  const named = [...tests.flatMap(({ rows }) => rows), ...[DO_NOT_APPLY, NARROWED, SCALES].flatMap(Object.keys)]
  assert.deepEqual(
    named.filter((row) => !known.has(row)),
    [],
  )
})

test('a test is of the rows that its name begins with', () => {
  assert.ok(namesOf('F5').test('F5 F17 what broke off'))
  assert.ok(namesOf('F17').test('F5 F17 what broke off'))
  assert.ok(!namesOf('F1').test('F17 what broke off'))
  assert.ok(!namesOf('H2').test('what is H2 '))
})

test('the table tells what passed, failed, was narrowed or did not run', () => {
  const own = [{ file: 'a.test.ts', name: 'a | b', rows: ['H1', 'H2', 'H3'] }]
  const result = { passed: true, skipped: [], seconds: 1, on: '2026-01-02', told: ['in 3 ms'] }
  const results = { H1: result, H2: { ...result, passed: false } }
  assert.deepEqual(
    ['H1', 'H2', 'H3', 'H4', 'S13'].map((row) => verdictOf(row, own, results)),
    ['passed', 'failed', 'not run', 'no test', 'does not apply'],
  )
  assert.equal(verdictOf('H1', own, { H1: { ...result, skipped: ['x'] } }), 'narrowed')
  const table = tableOf(own, results)
  assert.match(table, /\| H1 \| passed \| a\.test\.ts: “a \\\| b” \| in 3 ms \|/)
  assert.match(table, /\| all \| 188 \| 1 \| 0 \| 1 \| 1 \|/)
})
