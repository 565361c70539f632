import { Command, Option } from 'commander'
import {
  USAGE_DIMENSIONS,
  USAGE_PERIODS,
  type UsageDimension,
  type UsagePeriod,
  type UsageRow,
} from '../storage/index.ts'
import { type BooksOptions, withBooks } from './books.ts'
import { EXIT_USAGE, Failure } from './failure.ts'
import { addLocationOptions } from './location-options.ts'
import { dollarsOfNanos, renderTable } from './text-table.ts'

interface UsageOptions extends BooksOptions {
  readonly by: string
  readonly per: UsagePeriod
  readonly from?: string
  readonly to?: string
  readonly key?: string
}

const DAY_MS = 86_400_000
const DEFAULT_DAYS = 30
const PAGE = 1_000

const EXAMPLES = `
Dates are days in UTC, both included; without them, the last 30 days. A gateway may run meanwhile.

Examples:
  ferro usage
  ferro usage --by key,model --per month --from 2026-10-01
  ferro usage --by end_user,tag --per week
  ferro usage --by team --per hour --from 2026-11-20 --to 2026-11-20 --format json`

/** `ferro usage`: what was used, by what one wants to know. */
export function usageCommand(): Command {
  return addLocationOptions(new Command('usage'))
    .description('say what was used: requests, tokens and money')
    .option('--by <names>', `what to tell apart, with commas: key, ${USAGE_DIMENSIONS.slice(1).join(', ')}`, 'model')
    .addOption(new Option('--per <period>', 'how long each line counts').choices(USAGE_PERIODS).default('day'))
    .option('--from <date>', 'the first day')
    .option('--to <date>', 'the last day')
    .option('--key <id>', 'only of this key')
    .addHelpText('after', EXAMPLES)
    .action(showUsage)
}

async function showUsage(options: UsageOptions): Promise<void> {
  const by = options.by.split(',').map(dimensionOf)
  const toMs = dayOf('--to', options.to) ?? Math.floor(Date.now() / DAY_MS) * DAY_MS
  const fromMs = dayOf('--from', options.from) ?? toMs - (DEFAULT_DAYS - 1) * DAY_MS
  if (fromMs > toMs) throw new Failure('--from lies after --to', { exitCode: EXIT_USAGE })
  const rows = await withBooks(options, async ({ reader }) => {
    const all: UsageRow[] = []
    for (let after: readonly string[] | null = null; ; ) {
      const range = { fromMs, toMs: toMs + DAY_MS, keyId: options.key ?? null }
      const page = reader.usageBy({ by, per: options.per, ...range, after, limit: PAGE })
      all.push(...page)
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return all
      after = [last.period, ...last.values]
    }
  })
  if (options.format === 'json') {
    const data = rows.map(({ period, values, adjustedTokens, adjustedNanos, ...sums }) => {
      const adjusted = { adjusted_tokens: adjustedTokens, adjusted_nanos: adjustedNanos }
      return { period, ...Object.fromEntries(by.map((name, at) => [name, values[at]])), ...sums, ...adjusted }
    })
    process.stdout.write(`${JSON.stringify({ data }, null, 2)}\n`)
    return
  }
  const names = by.map((name) => name.replace('_id', '').toUpperCase())
  const headings = ['PERIOD', ...names, 'REQUESTS', 'TOKENS', 'COST', 'ADJUSTED']
  process.stdout.write(
    rows.length === 0 ? 'Nothing was used in this time.\n' : renderTable([headings, ...rows.map(cells)]),
  )
}

function cells({ period, values, requests, tokens, nanos, adjustedNanos }: UsageRow): string[] {
  const named = [period, ...values].map((text) => (text === '' ? '-' : text))
  return [
    ...named,
    `${requests}`,
    `${tokens}`,
    dollarsOfNanos(nanos),
    adjustedNanos === 0 ? '-' : dollarsOfNanos(adjustedNanos),
  ]
}

function dimensionOf(name: string): UsageDimension {
  const found = USAGE_DIMENSIONS.find((dimension) => dimension === name || (name === 'key' && dimension === 'key_id'))
  if (found !== undefined) return found
  const known = ['key', ...USAGE_DIMENSIONS.slice(1)].join(', ')
  throw new Failure(`--by ${name}: expected some of ${known}`, { exitCode: EXIT_USAGE })
}

function dayOf(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const timeMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  // `2026-02-30` would become a day in March.
  if (!Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(text)) return timeMs
  throw new Failure(`${flag} ${text}: expected a date (UTC), such as 2026-01-31`, { exitCode: EXIT_USAGE })
}
