/*
 * `npm run rows [-- row…]`: runs the tests of all rows of the catalogue, or of those that are named, with the full counts where
 * `npm test` has smaller ones, and prints the table. It takes the better part of an hour for all; what it found is kept for the next table.
 * `npm run rows -- --list` prints the table and runs nothing.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DO_NOT_APPLY, ROWS, WITH_SMALL_BUFFERS } from './catalogue.ts'
import { findTests } from './found-tests.ts'
import { runRow } from './run-row.ts'
import { withSmallBuffers } from './small-buffers.ts'
import { type Results, tableOf } from './table.ts'

const root = path.resolve(import.meta.dirname, '../..')
process.chdir(root)
const kept = path.join(root, 'node_modules/.cache/ferro-test/rows.json')

function readResults(): Results {
  // This file alone writes it.
  return existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as Results) : {}
}

const asked = process.argv.slice(2)
const unknown = asked.filter((each) => each !== '--list' && !ROWS.includes(each))
if (unknown.length > 0) {
  console.error(`there is no row ${unknown.join(', ')}`)
  process.exit(1)
}

const tests = findTests(root)
const wanted = asked.includes('--list') ? [] : ROWS.filter((row) => asked.length === 0 || asked.includes(row))
let all = readResults()
for (const row of wanted.filter((each) => DO_NOT_APPLY[each] === undefined)) {
  if (WITH_SMALL_BUFFERS.has(row) && withSmallBuffers(['test/rows/main.ts', row])) {
    all = readResults()
    if (all[row]?.passed !== true) process.exitCode = 1
    continue
  }
  const result = await runRow(row, tests, (line) => console.log(line))
  console.log(`${row}: ${result.passed ? 'holds' : 'FAILS'} (${result.seconds} s)`)
  for (const line of result.told) console.log(`  ${line}`)
  if (!result.passed) process.exitCode = 1
  // Another run may have written meanwhile.
  all = { ...readResults(), [row]: result }
  mkdirSync(path.dirname(kept), { recursive: true })
  writeFileSync(kept, JSON.stringify(all))
}
if (asked.length === 0 || asked.includes('--list')) console.log(tableOf(tests, all))
