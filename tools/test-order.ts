import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** How long each file took when it last ran, by its path from the root; remembered beside other caches. */
export type Durations = Readonly<Record<string, number>>

/** What is expected of a file that never ran here, by how its path begins: those that start and kill gateways take longest. */
const EXPECTED_MS: readonly (readonly [beginning: string, ms: number])[] = [
  ['test/e2e/proxy-breakers', 60_000],
  ['test/hostile/', 50_000],
  ['test/process/', 35_000],
  ['test/e2e/crash', 35_000],
  ['test/e2e/model-faults', 35_000],
  ['test/e2e/budgets', 35_000],
  ['test/e2e/proxy-reload', 35_000],
  ['test/sdk/dialects-broken', 30_000],
  ['test/pains/', 25_000],
  ['src/cli/keys', 20_000],
  ['test/e2e/', 15_000],
  ['test/', 8_000],
  ['src/cli/', 8_000],
  ['tools/', 4_000],
  ['', 1_000],
]

/** Whether a file asserts times so short that other tests must not run beside it. */
export function isTimed(file: string): boolean {
  return file.endsWith('.timed.test.ts')
}

/** The longest first: whatever begins last must not be what everybody waits for. */
export function longestFirst(files: readonly string[], durations: Durations): string[] {
  const expected = (file: string) =>
    durations[file] ?? EXPECTED_MS.find(([beginning]) => file.startsWith(beginning))?.[1] ?? 0
  return files.toSorted((a, b) => expected(b) - expected(a) || (a < b ? -1 : 1))
}

/** The remembered durations; none when nothing is remembered, or nothing that can be read. */
export function readDurations(file: string): Durations {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
    return Object.fromEntries(entries.filter(([, ms]) => typeof ms === 'number'))
  } catch {
    // The order is a matter of speed alone.
    return {}
  }
}

/** Remembers durations, those of files that did not run this time included. */
export function writeDurations(file: string, durations: Durations): void {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ ...readDurations(file), ...durations }, null, 1)}\n`)
}
