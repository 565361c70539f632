import { type ChildProcess, spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { COMPILE_CACHE } from '../harness/compile-cache.ts'
import { eventually } from '../harness/eventually.ts'
import { ROOT } from './pages.ts'

/** Ends at the first command that fails, and keeps the progress of `curl` out of what is shown. */
const PRELUDE = 'set -euo pipefail; curl() { command curl --silent --show-error "$@"; }\n'

/** One shell in which the examples of a page are run in their order, as a reader would; what they start goes on. */
export class ShellSession {
  readonly #shell: ChildProcess
  #output = ''
  #errors = ''
  #count = 0
  #ended = false

  /** What runs in the background writes to `log`. */
  constructor(log: string) {
    const { PATH = '', HOME = '' } = process.env
    const path = [join(ROOT, 'bin'), join(process.execPath, '..'), PATH].join(delimiter)
    // A process group of its own, so that its end ends all that it has started.
    const shell = spawn('bash', ['-s'], {
      cwd: ROOT,
      env: { PATH: path, HOME, LOG: log, ...COMPILE_CACHE },
      detached: true,
    })
    shell.stdout.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    shell.stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
    shell.on('exit', () => (this.#ended = true))
    shell.stdin.write(PRELUDE)
    this.#shell = shell
  }

  /** Runs commands and gives what they print; rejects when one fails. */
  async run(commands: string): Promise<string> {
    const mark = `<<end ${++this.#count}>>`
    const from = this.#output.length
    const quiet = commands.replaceAll(/ &$/gm, ' >>"$LOG" 2>&1 &')
    this.#shell.stdin?.write(`${quiet}\necho '${mark}'\n`)
    await eventually(() => this.#ended || this.#output.includes(mark), { deadlineMs: 30_000, what: commands })
    if (!this.#output.includes(mark))
      throw new Error(`failed: ${commands}\n${this.#output.slice(from)}\n${this.#errors}`)
    return this.#output.slice(from, this.#output.indexOf(mark)).trim()
  }

  /** Ends the shell and everything that it has started. */
  async close(): Promise<void> {
    const { pid } = this.#shell
    if (pid === undefined) return
    const isThere = (signal: NodeJS.Signals | 0) => {
      try {
        return process.kill(-pid, signal)
      } catch {
        // The group is empty.
        return false
      }
    }
    this.#shell.stdin?.end()
    isThere('SIGTERM')
    try {
      await eventually(() => !isThere(0), { deadlineMs: 10_000 })
    } catch {
      isThere('SIGKILL')
    }
  }
}
