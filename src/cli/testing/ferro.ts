import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'

// As `test/harness/program.ts`, which `src/` may not import.
const PROGRAM = process.env['FERRO_TEST_ENTRY'] ?? resolve(import.meta.dirname, '../main.ts')

/** What one run of the command line left. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command line as a process of its own, in an empty folder. */
export interface Ferro {
  readonly folder: string
  /** Runs a command to its end. */
  readonly run: (args: readonly string[], options?: FerroOptions) => Promise<Ended>
}

export interface FerroOptions {
  /** The whole environment beside PATH and the compile cache of a test run. */
  readonly env?: Readonly<Record<string, string>>
  /** Arguments of node itself. */
  readonly nodeArgs?: readonly string[]
  /** The emitted program in a whole test run by default, else the sources. */
  readonly program?: string
}

/** Makes an empty folder with these files in it, and the command line that works there; removed after the test. */
export function createFerro(t: TestContext, files: Readonly<Record<string, string>> = {}): Ferro {
  const folder = mkdtempSync(join(tmpdir(), 'ferro-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return { folder, run: (args, options) => runToEnd(folder, args, options) }
}

function runToEnd(
  cwd: string,
  args: readonly string[],
  { env = {}, nodeArgs = [], program = PROGRAM }: FerroOptions = {},
): Promise<Ended> {
  return new Promise((done, fail) => {
    const { PATH = '', NODE_COMPILE_CACHE } = process.env
    const cache = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }
    const child = spawn(process.execPath, [...nodeArgs, program, ...args], {
      cwd,
      env: { PATH, ...cache, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', fail)
    child.on('close', (code) => done({ code, stdout, stderr }))
  })
}
