/**
 * The command line: `ferro <command>`. It reads what was asked, loads the one command and says what went wrong; what
 * commands do is in their own files, one each. Exit codes: 0 done, 1 failed, 2 not understood.
 */
import { inspect } from 'node:util'
import { EXIT_FAILURE, Failure } from './failure.ts'

/** Runs one command line (without the program's name). Resolves with the exit code when the command has ended. */
export async function main(argv: readonly string[]): Promise<number | undefined> {
  // Whoever reads our output may stop reading; that is no reason to fail.
  process.stdout.on('error', ignore)
  process.stderr.on('error', ignore)
  try {
    const started = await startQuickly(argv)
    if (started !== null) return started
    const { runProgram } = await import('./program.ts')
    return await runProgram(argv)
  } catch (error) {
    if (!(error instanceof Failure)) {
      process.stderr.write(`ferro: this is a defect of the program: ${inspect(error)}\n`)
      return EXIT_FAILURE
    }
    process.stderr.write(`error: ${error.message}\n`)
    if (error.details !== null) process.stderr.write(`${error.details.trimEnd()}\n`)
    return error.exitCode
  }
}

/** Starts the gateway without the parser of the whole command line, when that has nothing to say; null when it has. */
async function startQuickly([command, ...args]: readonly string[]): Promise<number | null> {
  if (command !== 'run') return null
  const { readRunFlags } = await import('./run-flags.ts')
  const options = readRunFlags(args)
  if (options === null || options.validateOnly === true) return null
  const { run } = await import('./run.ts')
  return await run(options)
}

function ignore(): void {
  // See where it is used.
}

if (import.meta.main) {
  const code = await main(process.argv.slice(2))
  if (code !== undefined) process.exitCode = code
}
