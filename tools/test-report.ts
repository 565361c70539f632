import path from 'node:path'
import type { TestsStream } from 'node:test'
import { inspect } from 'node:util'

type Write = (line: string) => void

/** What became of one test file: the runner's counts of it, and how long it took. */
export interface FileResult {
  readonly passed: boolean
  readonly counts: Counts
  readonly durationMs: number
}

type Counts = Readonly<Record<string, number>>

/** One failed test: where it stands with its name, and the file that was run. */
export interface Failure {
  readonly title: string
  readonly file: string
}

/** What a run left to be said at its end. */
export interface RunResult {
  /** By absolute path, the files in the order of their ends. */
  readonly files: ReadonlyMap<string, FileResult>
  /** Everything passed, and at least one test ran. */
  readonly passed: boolean
  /** The files of all failures. */
  readonly failedFiles: readonly string[]
  readonly failures: readonly Failure[]
  readonly skipped: readonly string[]
  /** The runner's own counts, `tests` to `duration_ms`. */
  readonly counts: Counts
}

/** Prints a test run while it goes on: one line a file, and each failure in full. */
export async function report(stream: TestsStream, root: string, write: Write): Promise<RunResult> {
  const files = new Map<string, FileResult>()
  const failedFiles = new Set<string>()
  const failures: Failure[] = []
  const skipped: string[] = []
  const counts: Record<string, number> = {}
  const place = (file: string | undefined, line?: number) =>
    file === undefined ? '' : `${path.relative(root, file)}${line === undefined ? '' : `:${line}`}`

  for await (const event of stream) {
    switch (event.type) {
      case 'test:fail': {
        const { name, file, line, details } = event.data
        // A test may stand in a file that others import; a process that died is a failed test of its file's name.
        const entry = event.data.entryFile ?? file ?? name
        failedFiles.add(entry)
        if ('failureType' in details.error && details.error.failureType === 'subtestsFailed') break
        const title = `${place(file, line)}  ${name}`
        failures.push({ title, file: entry })
        write(`not ok  ${title}\n${indent(inspect(details.error.cause ?? details.error))}`)
        break
      }
      case 'test:pass':
        // The runner counts a file without tests as one test, named after the file.
        if (event.data.file !== undefined && event.data.name === event.data.file) {
          failedFiles.add(event.data.file)
          const title = `${place(event.data.file)}  has no test`
          failures.push({ title, file: event.data.file })
          write(`not ok  ${title}`)
        }
        if (event.data.skip !== undefined) {
          const reason = event.data.skip === true ? '' : `: ${event.data.skip}`
          skipped.push(`${place(event.data.file)}  ${event.data.name}${reason}`)
        }
        break
      case 'test:stderr':
        write(indent(event.data.message.trimEnd()))
        break
      case 'test:diagnostic': {
        // The counts of the whole run are the only diagnostics that belong to no file.
        const count = /^(\w+) ([\d.]+)$/.exec(event.data.message)
        if (event.data.file === undefined && count !== null) counts[count[1] ?? ''] = Number(count[2])
        break
      }
      case 'test:summary': {
        const { file, counts: sum, duration_ms: durationMs, success } = event.data
        if (file === undefined) break
        files.set(file, { passed: success, counts: { ...sum }, durationMs })
        if (!success) failedFiles.add(file)
        write(`${success ? 'ok' : 'not ok'}  ${place(file)}  ${sum.tests} tests, ${Math.round(durationMs)} ms`)
        break
      }
    }
  }

  const { tests = 0, fail = 1, cancelled = 1 } = counts
  const passed = failedFiles.size === 0 && fail === 0 && cancelled === 0 && tests > 0
  return { files, passed, failedFiles: [...failedFiles], failures, skipped, counts }
}

/** Two runs of different files as one. */
export function joined(one: RunResult, other: RunResult): RunResult {
  const counts = { ...one.counts }
  for (const [name, count] of Object.entries(other.counts)) counts[name] = (counts[name] ?? 0) + count
  return {
    files: new Map([...one.files, ...other.files]),
    passed: one.passed && other.passed,
    failedFiles: [...one.failedFiles, ...other.failedFiles],
    failures: [...one.failures, ...other.failures],
    skipped: [...one.skipped, ...other.skipped],
    counts,
  }
}

/** What {@link conclude} prints. */
export interface Conclusion extends Pick<RunResult, 'skipped' | 'failures' | 'counts'> {
  readonly unsteady: readonly string[]
}

/** Prints what is to be seen last: skips by name, failures, unsteady files, a run without a test, and the counts (`# tests 12`). */
export function conclude(result: Conclusion, write: Write): void {
  const { skipped, failures, unsteady, counts } = result
  if (skipped.length > 0) write(`\nskipped:\n${indent(skipped.join('\n'))}`)
  if (failures.length > 0) write(`\nfailed:\n${indent(failures.map(({ title }) => title).join('\n'))}`)
  if (unsteady.length > 0)
    write(`\nUNSTEADY: failed, and passed when run once more, alone:\n${indent(unsteady.join('\n'))}`)
  if ((counts['tests'] ?? 0) === 0) write('\nno test ran')
  write('')
  for (const [name, count] of Object.entries(counts)) write(`# ${name} ${count}`)
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}
