/*
 * `npm run rows [row…]`: the rows of the catalogue whose loops are shorter in `npm test` than the catalogue says, with its
 * full counts. Prints one line each; takes some ten minutes.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

interface Row {
  readonly row: string
  /** What the catalogue asks. */
  readonly asks: string
  readonly file: string
  /** Times what `npm test` does. */
  readonly scale: number
}

const ROWS: readonly Row[] = [
  { row: 'L1', asks: '2,000 slow heads at once', file: 'http-parsing-slow', scale: 7 },
  { row: 'S6', asks: '200 slow readers', file: 'proxy-streaming', scale: 3.34 },
  { row: 'S7', asks: 'an upload of 1 GiB', file: 'proxy-streaming', scale: 4 },
  { row: 'S10', asks: '200 clients that leave', file: 'proxy-streaming.timed', scale: 4.2 },
  { row: 'S14', asks: '10,000 clients that come and leave', file: 'proxy-streaming', scale: 5 },
]

const wanted = process.argv.slice(2)
for (const { row, asks, file, scale } of ROWS.filter((each) => wanted.length === 0 || wanted.includes(each.row))) {
  const begun = performance.now()
  const args = [
    '--test',
    '--test-reporter=spec',
    `--test-name-pattern=^${row} `,
    join('test', 'e2e', `${file}.test.ts`),
  ]
  const { status, stdout } = spawnSync(process.execPath, args, {
    env: { ...process.env, FERRO_TEST_SCALE: String(scale) },
    encoding: 'utf8',
    maxBuffer: 64 * 1_048_576,
  })
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0)
  console.log(`${row}: ${asks}: ${status === 0 ? 'holds' : 'FAILS'} (${seconds} s)`)
  // What the tests tell of themselves; of those that fail, everything.
  const told = stdout
    .split('\n')
    .filter((line) => status !== 0 || /^\s*ℹ (?!tests|suites|pass|fail|cancel|skip|todo|dur)/.test(line))
  for (const line of told) console.log(`  ${line.trim()}`)
  if (status !== 0) process.exitCode = 1
}
