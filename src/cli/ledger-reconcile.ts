import { readFileSync } from 'node:fs'
import {
  BillError,
  type Biller,
  type BillLine,
  type Compared,
  CsvError,
  compareBill,
  type LedgerDay,
  packagedCatalogue,
  readBill,
  type Tolerance,
} from '../ai/facts.ts'
import type { LedgerReader } from '../storage/index.ts'
import { type BooksOptions, withBooks } from './books.ts'
import { EXIT_FAILURE, EXIT_USAGE, Failure } from './failure.ts'
import { dollarsOfNanos, renderTable } from './text-table.ts'

export interface ReconcileOptions extends BooksOptions {
  readonly provider: Biller
  readonly file: string
  /** Names of the provider in the gateway's configuration; absent: that of the biller. */
  readonly as?: readonly string[]
  readonly tolerance: number
  readonly toleranceUsd: number
}

const DAY_MS = 86_400_000
const PAGE = 1_000
/** Bills that are asked for by mistake end here and not in the memory. */
const MAX_FILE_BYTES = 256 * 1_024 * 1_024

const STATUS: Readonly<Record<Compared['status'], string>> = {
  equal: 'equal',
  within: 'within the tolerance',
  'missing-here': 'MISSING HERE',
  'missing-there': 'MISSING THERE',
  differs: 'DIFFERS',
}

/** Compares a provider's bill with the ledger by day and model; resolves with the exit code. */
export async function reconcile(options: ReconcileOptions): Promise<number> {
  const lines = billOf(options)
  const dates = lines.map(({ date }) => date).sort()
  const [first, last] = [dates[0], dates.at(-1)]
  if (first === undefined || last === undefined) throw new Failure(`${options.file} has no costs in it`)
  const range = { fromMs: Date.parse(first), toMs: Date.parse(last) + DAY_MS }
  const days = await withBooks(options, async ({ reader }) =>
    (options.as ?? [options.provider]).flatMap((provider) => ledgerDays(reader, provider, range)),
  )
  const tolerance: Tolerance = { share: options.tolerance / 100, nanos: Math.round(options.toleranceUsd * 1e9) }
  const compared = compareBill(lines, days, {
    tolerance,
    nowMs: Date.now(),
    idOf: (model) => packagedCatalogue().idOf(options.provider, model),
  })
  const apart = compared.filter(({ status }) => status !== 'equal' && status !== 'within')
  const total = (of: 'billNanos' | 'ledgerNanos') => compared.reduce((sum, each) => sum + (each[of] ?? 0), 0)
  const totals = { bill_nanos: total('billNanos'), ledger_nanos: total('ledgerNanos') }
  if (options.format === 'json') {
    process.stdout.write(
      `${JSON.stringify({ from: first, to: last, ...totals, data: compared.map(encode) }, null, 2)}\n`,
    )
  } else {
    process.stdout.write(render(compared))
    const sums = `bill ${dollarsOfNanos(totals.bill_nanos)}, ledger ${dollarsOfNanos(totals.ledger_nanos)}`
    process.stdout.write(`\n${first} to ${last}: ${sums}; ${apart.length} of ${compared.length} lines are apart\n`)
  }
  return apart.length === 0 ? 0 : EXIT_FAILURE
}

function billOf({ file, provider }: ReconcileOptions): BillLine[] {
  try {
    const bytes = readFileSync(file)
    if (bytes.length > MAX_FILE_BYTES) throw new BillError('the file is larger than 256 MiB')
    return readBill(bytes.toString('utf8'), provider)
  } catch (cause) {
    if (cause instanceof BillError || cause instanceof CsvError) {
      throw new Failure(`${file} is no bill of ${provider}: ${cause.message}`, { cause })
    }
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Failure(`${file} cannot be read: ${reason}`, { cause, exitCode: EXIT_USAGE })
  }
}

function ledgerDays(
  reader: LedgerReader,
  provider: string,
  range: { readonly fromMs: number; readonly toMs: number },
): LedgerDay[] {
  const facts = new Map(reader.billFacts({ provider, ...range }).map((each) => [`${each.date} ${each.model}`, each]))
  const days: LedgerDay[] = []
  for (let after: readonly string[] | null = null; ; ) {
    const asked = { by: ['provider', 'model'], per: 'day', keyId: null, limit: PAGE } as const
    const page = reader.usageBy({ ...asked, ...range, after })
    for (const { period: date, values, requests, nanos } of page) {
      const [of, model = ''] = values
      if (of !== provider) continue
      const none = { unpriced: 0, estimated: 0, reserved: 0, cacheReadTokens: 0 }
      days.push({ ...none, ...facts.get(`${date} ${model}`), date, model, requests, nanos })
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return days
    after = [last.period, ...last.values]
  }
}

function render(compared: readonly Compared[]): string {
  const rows = compared.map(({ date, model, billNanos, ledgerNanos, status, why }) => {
    const money = (nanos: number | null) => (nanos === null ? '-' : dollarsOfNanos(nanos))
    const difference = dollarsOfNanos((billNanos ?? 0) - (ledgerNanos ?? 0))
    return [date, model, money(billNanos), money(ledgerNanos), difference, STATUS[status], why.join('; ')]
  })
  return renderTable([['DAY', 'MODEL', 'BILL', 'LEDGER', 'BILL - LEDGER', 'VERDICT', 'WHY'], ...rows])
}

function encode({ date, model, billNanos, ledgerNanos, status, why }: Compared): object {
  return { date, model, bill_nanos: billNanos, ledger_nanos: ledgerNanos, status, why }
}
