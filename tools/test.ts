/*
 * `npm test`: the static checks, then every test file, against the emitted program. `npm test -- core/relay` runs only the
 * files whose path contains one of the words, and no checks, and starts gateways from the sources.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { run } from 'node:test'
import { bundle } from './bundle.ts'
import { filesToRepeat, judge } from './test-again.ts'
import { isTimed, longestFirst, readDurations, writeDurations } from './test-order.ts'
import { conclude, joined, type RunResult, report } from './test-report.ts'

const FILES = ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts']
const TEST_TIMEOUT_MS = 120_000
const RUN_TIMEOUT_MS = 40 * 60_000

const root = path.resolve(import.meta.dirname, '..')
process.chdir(root)
// Each of the processes loads the same sources: without their types, and compiled, they are kept for the next one.
const cache = path.join(root, 'node_modules/.cache/ferro-test')
process.env['NODE_COMPILE_CACHE'] ??= path.join(cache, 'compiled')

const words = process.argv.slice(2)
const found = FILES.flatMap((pattern) => globSync(pattern)).filter(
  (file) => words.length === 0 || words.some((word) => file.includes(word)),
)
const durations = path.join(cache, 'durations.json')
const files = longestFirst(found, readDurations(durations)).map((file) => path.resolve(root, file))

if (files.length === 0) {
  console.error(`no test file has ${words.join(' or ')} in its path`)
  process.exit(1)
}

if (words.length === 0) {
  const checks = spawnSync(process.execPath, [path.join(root, 'tools/check.ts')], { stdio: 'inherit' })
  if (checks.status !== 0) process.exit(checks.status ?? 1)
  process.env['FERRO_TEST_ENTRY'] ??= await emit()
}

const write = (line: string) => console.log(line)
const patience = AbortSignal.timeout(RUN_TIMEOUT_MS)
const timed = files.filter(isTimed)
const others = files.filter((file) => !isTimed(file))
const runs: RunResult[] = []
// They wait more than they work: for threads to begin, time to pass, records to be written.
if (others.length > 0) runs.push(await runFiles(others, Math.min(4, availableParallelism() * 2)))
if (timed.length > 0) runs.push(await runFiles(timed, 1))
const first = runs.reduce(joined)
writeDurations(
  durations,
  Object.fromEntries([...first.files].map(([file, { durationMs }]) => [path.relative(root, file), durationMs])),
)

// What failed for want of time in the crowd passes alone; such a test is to be mended, but breaks nobody's work.
const again = new Map<string, RunResult>()
for (const file of words.length === 0 ? filesToRepeat(first) : []) {
  write(`\nonce more, alone: ${path.relative(root, file)}`)
  again.set(file, await runFiles([file], 1))
}
const judgement = judge(first, again, root)
conclude(judgement, write)
process.exitCode = judgement.passed ? 0 : 1

/** Emits the program for the hundreds of gateways that a whole run starts, and gives its file. */
async function emit(): Promise<string> {
  const folder = path.join(cache, 'emitted')
  const dist = path.join(folder, 'dist')
  await bundle(root, dist)
  // It reads its version two folders above its file.
  copyFileSync(path.join(root, 'package.json'), path.join(folder, 'package.json'))
  return path.join(dist, 'cli/main.js')
}

function runFiles(paths: readonly string[], concurrency: number): Promise<RunResult> {
  const stream = run({
    files: paths,
    concurrency,
    timeout: TEST_TIMEOUT_MS,
    signal: patience,
    execArgv: ['--import', new URL('./test-deadline.ts', import.meta.url).href],
  })
  return report(stream, root, write)
}
