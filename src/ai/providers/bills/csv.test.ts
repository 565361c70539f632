import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CsvError, readCsv } from './csv.ts'

const rowsOf = (text: string) => readCsv(text).map((row) => Object.fromEntries(row))

test('reads cells by their headings, quoted or not, with any line break', () => {
  assert.deepEqual(rowsOf('\uFEFFa,b\r\n1,"x, ""y"""\r\n"2\n3",\r\n\r\n'), [
    { a: '1', b: 'x, "y"' },
    { a: '2\n3', b: '' },
  ])
  assert.deepEqual(rowsOf('a\n1'), [{ a: '1' }])
  assert.deepEqual(rowsOf('a,b\n'), [])
})

test('says in which line a file is no table', () => {
  const rows: readonly [string, RegExp][] = [
    ['', /empty/],
    ['a,a\n', /twice/],
    ['a,b\n1\n', /line 2: 1 cells, and 2 headings/],
    ['a,b\n1,2\n1,2,3\n', /line 3: 3 cells/],
    ['a\n"1\n', /line 2: a quote is never closed/],
    ['a\n1"2\n', /line 2: a quote within a cell/],
    ['a\n"1"2\n', /line 2: something stands behind a closing quote/],
  ]
  for (const [text, message] of rows) {
    assert.throws(
      () => readCsv(text),
      (error) => error instanceof CsvError && message.test(error.message),
      text,
    )
  }
})
