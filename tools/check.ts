/*
 * `npm run check`: every static check, at once; `npm run check -- types lint` runs the named ones.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { inspect } from 'node:util'
import { checkBoundaries } from './checks/boundaries.ts'
import { reportFileSizes } from './checks/file-sizes.ts'
import { checkGenerated } from './checks/generated.ts'
import { checkLeaks } from './checks/leaks.ts'
import { checkPackages } from './checks/packages.ts'
import { checkCasts, checkDefaultExports } from './checks/types.ts'
import { checkCoreWords, checkVendorWords } from './checks/words.ts'
import { type Finding, formatFinding } from './finding.ts'
import { GENERATED } from './generate.ts'
import { readRepository, type SourceFile } from './source-files.ts'

const root = path.resolve(import.meta.dirname, '..')

/** A check answers with what it has to say; nothing means that all is well. */
type Check = (files: readonly SourceFile[]) => readonly string[] | Promise<readonly string[]>

const BIOME = [
  'check',
  '--reporter=concise',
  '--colors=off',
  '--diagnostic-level=warn',
  '--error-on-warnings',
  '--max-diagnostics=200',
  '.',
]

const CHECKS: Readonly<Record<string, Check>> = {
  types: () => program('tsc', ['--noEmit', '--pretty', 'false'], 'make the types true; a cast only hides it'),
  format: () => program('biome', BIOME, '`npm run format` mends format and imports; the rest is for a person'),
  lint: () =>
    program(
      'oxlint',
      ['--type-aware', '--deny-warnings', '--format=unix'],
      'mend it, or switch the rule off for that line with a comment that says why',
    ),
  boundaries: said(checkBoundaries),
  'core-words': said(checkCoreWords),
  'vendor-words': said(checkVendorWords),
  casts: said(checkCasts),
  'default-exports': said(checkDefaultExports),
  leaks: said(checkLeaks),
  packages: said(() =>
    checkPackages({
      manifest: read('package.json'),
      lock: read('package-lock.json'),
      page: read('docs/dependencies.md'),
    }),
  ),
  generated: async () => (await checkGenerated(root, GENERATED)).map(formatFinding),
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => CHECKS[name] === undefined)
if (unknown.length > 0) {
  console.error(`no check is called ${unknown.join(' or ')}; there are: ${Object.keys(CHECKS).join(', ')}`)
  process.exit(1)
}

const files = readRepository(root)
const results = await Promise.all(
  Object.entries(CHECKS)
    .filter(([name]) => asked.length === 0 || asked.includes(name))
    .map(async ([name, check]) => {
      const startMs = performance.now()
      const lines = await Promise.try(check, files).catch((error: unknown) => [`could not run: ${inspect(error)}`])
      return { name, lines, durationMs: performance.now() - startMs }
    }),
)
for (const { name, lines, durationMs } of results) {
  console.log(`${lines.length === 0 ? 'ok' : 'not ok'}  ${name}  ${Math.round(durationMs)} ms`)
  for (const line of lines) console.log(line.replace(/^/gm, '    '))
}
for (const line of reportFileSizes(files)) console.log(`note  ${line}`)
const failed = results.filter(({ lines }) => lines.length > 0).map(({ name }) => name)
console.log(failed.length === 0 ? `checks: all ${results.length} passed` : `checks: ${failed.join(', ')} failed`)
process.exitCode = failed.length === 0 ? 0 : 1

function said(check: (files: readonly SourceFile[]) => readonly Finding[]): Check {
  return (all) => check(all).map(formatFinding)
}

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8')
}

/** Runs a program of node_modules/.bin; what it printed counts only when it failed, and then the lines with a place. */
function program(name: string, args: readonly string[], remedy: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(root, 'node_modules/.bin', name), args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const keep = (chunk: Buffer) => {
      output += chunk
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) return resolve([])
      const placed = output.split('\n').filter((line) => /^(?:[×!] )?[\w./-]+(?::|\(\d)|^ {2}\S/.test(line))
      resolve([placed.length === 0 ? `${name} ended with ${code}\n${output.trim()}` : placed.join('\n'), remedy])
    })
  })
}
