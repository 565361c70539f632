/*
 * `npm test`: the static checks, then every test file. `npm test -- core/relay` runs only the files whose path contains
 * one of the words, and no checks.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { run } from 'node:test'
import { report } from './test-report.ts'

const FILES = ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts']
const TEST_TIMEOUT_MS = 120_000
const RUN_TIMEOUT_MS = 40 * 60_000

const root = path.resolve(import.meta.dirname, '..')
process.chdir(root)

const words = process.argv.slice(2)
const files = FILES.flatMap((pattern) => globSync(pattern))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort()
  .map((file) => path.resolve(root, file))

if (files.length === 0) {
  console.error(`no test file has ${words.join(' or ')} in its path`)
  process.exit(1)
}

if (words.length === 0) {
  const checks = spawnSync(process.execPath, [path.join(root, 'tools/check.ts')], { stdio: 'inherit' })
  if (checks.status !== 0) process.exit(checks.status ?? 1)
}

const stream = run({
  files,
  concurrency: Math.min(4, Math.max(2, availableParallelism())),
  timeout: TEST_TIMEOUT_MS,
  signal: AbortSignal.timeout(RUN_TIMEOUT_MS),
  execArgv: ['--import', new URL('./test-deadline.ts', import.meta.url).href],
})
const passed = await report(stream, root, (line) => console.log(line))
process.exitCode = passed ? 0 : 1
