import path from 'node:path'
import { run } from 'node:test'
import { SCALES } from './catalogue.ts'
import { type FoundTest, namesOf } from './found-tests.ts'
import type { RowResult } from './table.ts'

/** Runs the tests of one row with its full counts, file after file; what fails is written at once. */
export async function runRow(
  row: string,
  tests: readonly FoundTest[],
  write: (line: string) => void,
): Promise<RowResult> {
  const begun = performance.now()
  const files = new Set(tests.filter(({ rows }) => rows.includes(row)).map(({ file }) => path.resolve(file)))
  const told: string[] = []
  const skipped: string[] = []
  let ran = 0
  let failed = files.size === 0
  process.env['FERRO_TEST_SCALE'] = String(SCALES[row] ?? 1)
  for (const file of files) {
    const stream = run({ files: [file], testNamePatterns: [namesOf(row)], concurrency: 1 })
    for await (const { type, data } of stream) {
      if (type === 'test:diagnostic' && !SUMMARY.test(data.message)) told.push(data.message)
      if (type === 'test:pass' && namesOf(row).test(data.name)) {
        if (data.skip === undefined) ran++
        else skipped.push(data.name)
      }
      if (type === 'test:fail') {
        failed = true
        write(`  ${data.name}: ${data.details.error.message}\n${String(data.details.error.cause ?? '')}`)
      }
    }
  }
  const seconds = Math.round((performance.now() - begun) / 1_000)
  const passed = !failed && ran > 0
  return { passed, skipped, seconds, on: new Date().toISOString().slice(0, 10), told }
}

/** What the runner says of itself. */
const SUMMARY = /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /
