import path from 'node:path'
import type { Conclusion, FileResult, RunResult } from './test-report.ts'

/** So many files may fail by bad luck; more are a defect. */
export const MOST_UNSTEADY = 8

/** What counts in the end; unsteady files are named with both of their results. */
export interface Judgement extends Conclusion {
  readonly passed: boolean
}

/** The files that may run once more, alone: those that failed, if they are few. */
export function filesToRepeat({ failedFiles }: RunResult): readonly string[] {
  return failedFiles.length > MOST_UNSTEADY ? [] : failedFiles
}

/** The result of a run of which some files ran again: one that passed alone fails the run no more, but is named. */
export function judge(first: RunResult, again: ReadonlyMap<string, RunResult>, root: string): Judgement {
  const steady = [...again].filter(([, second]) => second.passed).map(([file]) => file)
  const counts = { ...first.counts }
  const unsteady = steady.map((file) => {
    const [before, after] = [first.files.get(file) ?? DIED, again.get(file)?.files.get(file) ?? DIED]
    for (const [of, name] of COUNTS) {
      counts[name] = (counts[name] ?? 0) - (before.counts[of] ?? 0) + (after.counts[of] ?? 0)
    }
    return `${path.relative(root, file)}  in the full run ${shown(before)}; alone ${shown(after)}`
  })
  if (unsteady.length > 0) counts['unsteady'] = unsteady.length
  return {
    passed: first.passed || (steady.length > 0 && steady.length === first.failedFiles.length),
    failures: first.failures.filter(({ file }) => !steady.includes(file)),
    skipped: first.skipped,
    counts,
    unsteady,
  }
}

/** How the runner counts a file whose process died: as one failed test. */
const DIED: FileResult = { passed: false, counts: { tests: 1, failed: 1 }, durationMs: 0 }

/** The runner's names of a count, of one file and of the whole run. */
const COUNTS = [
  ['tests', 'tests'],
  ['passed', 'pass'],
  ['failed', 'fail'],
  ['cancelled', 'cancelled'],
  ['skipped', 'skipped'],
  ['todo', 'todo'],
] as const

function shown(result: FileResult): string {
  if (result === DIED) return 'its process ended early'
  const { tests = 0, failed = 0, cancelled = 0 } = result.counts
  return `${failed + cancelled} of ${tests} tests failed in ${Math.round(result.durationMs)} ms`
}
