import { DO_NOT_APPLY, GROUPS, NARROWED } from './catalogue.ts'
import type { FoundTest } from './found-tests.ts'

/** What became of a row when its tests ran last. */
export interface RowResult {
  readonly passed: boolean
  /** Names of tests that were skipped: what they need is missing. */
  readonly skipped: readonly string[]
  readonly seconds: number
  /** Day of the run. */
  readonly on: string
  /** What the tests told of themselves. */
  readonly told: readonly string[]
}

export type Results = Readonly<Record<string, RowResult | undefined>>

type Verdict = 'passed' | 'failed' | 'narrowed' | 'not run' | 'no test' | 'does not apply'

export function verdictOf(row: string, tests: readonly FoundTest[], results: Results): Verdict {
  if (DO_NOT_APPLY[row] !== undefined) return 'does not apply'
  if (!tests.some(({ rows }) => rows.includes(row))) return 'no test'
  const result = results[row]
  if (result === undefined) return 'not run'
  if (!result.passed) return 'failed'
  return NARROWED[row] === undefined && result.skipped.length === 0 ? 'passed' : 'narrowed'
}

/** The table of all rows, as Markdown: first how many of each group, then each with its tests. */
export function tableOf(tests: readonly FoundTest[], results: Results): string {
  const verdicts: readonly Verdict[] = ['passed', 'narrowed', 'failed', 'not run', 'no test', 'does not apply']
  const lines = [`| group | rows | ${verdicts.join(' | ')} |`, `| --- | --- |${' --- |'.repeat(verdicts.length)}`]
  const all = new Map<Verdict, number>()
  const parts: string[] = []
  for (const { letter, title, rows } of GROUPS) {
    const counts = new Map<Verdict, number>()
    parts.push('', `## ${letter}: ${title}`, '', '| row | | tests | |', '| --- | --- | --- | --- |')
    for (let at = 1; at <= rows; at++) {
      const row = `${letter}${at}`
      const verdict = verdictOf(row, tests, results)
      for (const sums of [counts, all]) sums.set(verdict, (sums.get(verdict) ?? 0) + 1)
      parts.push(`| ${row} | ${verdict} | ${testsOf(row, tests)} | ${noteOf(row, results)} |`)
    }
    lines.push(`| ${letter}: ${title} | ${rows} | ${verdicts.map((each) => counts.get(each) ?? 0).join(' | ')} |`)
  }
  const total = GROUPS.reduce((sum, { rows }) => sum + rows, 0)
  lines.push(`| all | ${total} | ${verdicts.map((each) => all.get(each) ?? 0).join(' | ')} |`)
  return [...lines, ...parts].join('\n')
}

function testsOf(row: string, tests: readonly FoundTest[]): string {
  const own = tests.filter(({ rows }) => rows.includes(row))
  const files = Map.groupBy(own, ({ file }) => file)
  return [...files]
    .map(([file, found]) => `${file}: ${found.map(({ name }) => `“${name.replaceAll('|', '\\|')}”`).join(', ')}`)
    .join('<br>')
}

function noteOf(row: string, results: Results): string {
  const why = DO_NOT_APPLY[row] ?? NARROWED[row]
  const result = results[row]
  const skipped = result?.skipped.map((name) => `skipped: ${name}`) ?? []
  return [...(why === undefined ? [] : [why]), ...skipped, ...(result?.told ?? [])].join('; ').replaceAll('|', '\\|')
}
