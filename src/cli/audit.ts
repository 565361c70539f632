import { Command } from 'commander'
import type { AuditRow } from '../storage/index.ts'
import { type BooksOptions, withBooks } from './books.ts'
import { EXIT_USAGE, Failure } from './failure.ts'
import { addLocationOptions } from './location-options.ts'
import { renderTable } from './text-table.ts'

interface AuditOptions extends BooksOptions {
  readonly limit: string
  readonly actor?: string
  readonly target?: string
  readonly action?: string
}

const MAX_LINES = 1_000

const EXAMPLES = `
The newest come first. A gateway may run meanwhile.

Examples:
  ferro audit
  ferro audit --target team:search
  ferro audit --actor ops --limit 500 --format json`

/** `ferro audit`: who changed what. */
export function auditCommand(): Command {
  return addLocationOptions(new Command('audit'))
    .description('say who changed keys and levels, and who was not let')
    .option('--limit <number>', `how many lines, at most ${MAX_LINES}`, '50')
    .option('--actor <id>', 'only what this admin did; `owner` has the admin token')
    .option('--target <name>', 'only what is about this, such as key:robot or team:search')
    .option('--action <name>', 'only this, such as key.create')
    .addHelpText('after', EXAMPLES)
    .action(showAudit)
}

async function showAudit({ limit, actor, target, action, format, ...location }: AuditOptions): Promise<void> {
  const most = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
  if (most < 1 || most > MAX_LINES) {
    throw new Failure(`--limit ${limit}: expected a number from 1 to ${MAX_LINES}`, { exitCode: EXIT_USAGE })
  }
  const query = { before: null, limit: most, actor: actor ?? null, target: target ?? null, action: action ?? null }
  const rows = await withBooks(location, ({ reader }) => Promise.resolve(reader.audit(query)))
  if (format === 'json') {
    process.stdout.write(`${JSON.stringify({ data: rows }, null, 2)}\n`)
    return
  }
  const headings = ['TIME', 'WHO', 'FROM', 'WHAT', 'OF', 'CHANGED']
  process.stdout.write(rows.length === 0 ? 'Nothing was changed.\n' : renderTable([headings, ...rows.map(cells)]))
}

function cells({ time, actor, address, action, target, outcome, reason, before, after }: AuditRow): string[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  const changed =
    outcome === 'refused' ? `refused: ${reason ?? ''}` : before === null || after === null ? '' : names.join(', ')
  return [new Date(time).toISOString(), actor, address ?? '-', action, target, changed]
}
