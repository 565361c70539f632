/*
 * `npm run rows [-- row…]`: runs the tests of all rows of the catalogue, or of those that are named, with the full counts where
 * `npm test` has smaller ones, and prints the table. It takes about an hour for all; what it found is kept for the next table.
 * `npm run rows -- --list` prints the table and runs nothing.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DO_NOT_APPLY, ROWS } from './catalogue.ts'
import { findTests } from './found-tests.ts'
import { runRow } from './run-row.ts'
import { type Results, tableOf } from './table.ts'

const root = path.resolve(import.meta.dirname, '../..')
process.chdir(root)
const kept = path.join(root, 'node_modules/.cache/ferro-test/rows.json')
// This file alone writes it.
const results = existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as Results) : {}

const asked = process.argv.slice(2)
const unknown = asked.filter((each) => each !== '--list' && !ROWS.includes(each))
if (unknown.length > 0) {
  console.error(`there is no row ${unknown.join(', ')}`)
  process.exit(1)
}

const tests = findTests(root)
const wanted = asked.includes('--list') ? [] : ROWS.filter((row) => asked.length === 0 || asked.includes(row))
let all: Results = results
for (const row of wanted.filter((each) => DO_NOT_APPLY[each] === undefined)) {
  const result = await runRow(row, tests, (line) => console.log(line))
  console.log(`${row}: ${result.passed ? 'holds' : 'FAILS'} (${result.seconds} s)`)
  for (const line of result.told) console.log(`  ${line}`)
  if (!result.passed) process.exitCode = 1
  all = { ...all, [row]: result }
  mkdirSync(path.dirname(kept), { recursive: true })
  writeFileSync(kept, JSON.stringify(all))
}
if (wanted.length !== 1) console.log(tableOf(tests, all))
