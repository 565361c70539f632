import type { CounterCheck, SharedAccount } from '../control/index.ts'
import type { LedgerReport } from '../storage/index.ts'
import { type BooksOptions, journalLeft, withBooks } from './books.ts'
import { EXIT_FAILURE } from './failure.ts'
import { dollarsOfNanos } from './text-table.ts'

/** What was proved, and what not. */
interface Verified extends LedgerReport {
  /** Null when no gateway runs that could be asked. */
  readonly counters: readonly CounterCheck[] | null
  readonly journalBytes: number
}

/** Holds the books of a data directory against each other and says what does not agree; resolves with the exit code. */
export async function verify(options: BooksOptions): Promise<number> {
  const verified = await withBooks(options, async (books): Promise<Verified> => {
    // First: it brings the journal into the database.
    const counters = books.admin === null ? null : await countersOf(books.admin)
    return { ...books.reader.verify(Date.now()), counters, journalBytes: journalLeft(books) }
  })
  const wrong = (verified.counters ?? []).filter(({ agrees }) => !agrees)
  const differ = verified.differences.length + wrong.length
  if (options.format === 'json') process.stdout.write(`${JSON.stringify(verified, null, 2)}\n`)
  else process.stdout.write(render(verified, wrong))
  return differ === 0 ? 0 : EXIT_FAILURE
}

async function countersOf(admin: { call(method: string, path: string): Promise<Record<string, unknown>> }) {
  const { data } = await admin.call('GET', '/admin/v1/ledger/counters')
  return data as readonly CounterCheck[] // control/resources.ts answers with it
}

function render(verified: Verified, wrong: readonly CounterCheck[]): string {
  const { requests, attempts, days, tokens, nanos, unfinished, differences, counters, journalBytes } = verified
  const lines = [
    `requests  ${requests}, with ${attempts} settled attempts: ${tokens} tokens, ${dollarsOfNanos(nanos)}`,
    `attempts  ${verdict(differences.filter(({ check }) => check === 'attempts').length, 'each reserved once and settled once')}`,
    `records   ${verdict(differences.filter(({ check }) => check === 'records').length, 'each says what its attempts were settled at')}`,
    `days      ${verdict(differences.filter(({ check }) => check === 'days').length, `${days} sums are those of their entries`)}`,
    `levels    ${verdict(differences.filter(({ check }) => check === 'levels').length, 'their sums are those of their keys and requests')}`,
    ...(verified.adjustments === 0
      ? []
      : [
          `adjusted  ${verdict(differences.filter(({ check }) => check === 'adjustments').length, `${verified.adjustments} adjustments are what the entries say`)}`,
        ]),
    counters === null
      ? 'counters  not asked: no gateway runs on this data directory'
      : `counters  ${verdict(wrong.length, `${counters.length} in shared memory are what the entries say`)}`,
    ...clusterLine(counters ?? []),
    ...(unfinished === 0 ? [] : [`note      ${unfinished} requests have not ended yet`]),
    ...(journalBytes === 0
      ? []
      : [`note      ${journalBytes} bytes of the journal are not in the database yet: the next start brings them in`]),
    ...differences.map(({ check, of, says }) => `DIFFERS   ${check}: ${of}: ${says}`),
    ...wrong.flatMap(({ counter, shared }) => (shared?.agrees === false ? [sharedDifference(counter, shared)] : [])),
    ...wrong.filter(isInMemory).map(({ counter, entries, sum, least, most }) => {
      const memory = least === most ? `${least}` : `${least} to ${most}`
      const own = entries === null ? '' : `, ${entries} in the entries`
      return `DIFFERS   counters: ${counter}: ${memory} in shared memory, ${sum} in counter_sums${own}`
    }),
  ]
  return `${lines.join('\n')}\n`
}

function clusterLine(counters: readonly CounterCheck[]): string[] {
  if (counters.every(({ shared }) => shared === undefined)) return []
  const asked = counters.flatMap(({ shared }) => shared ?? [])
  if (asked.length === 0) return ['cluster   the store of the shared counters does not answer']
  const wrong = asked.filter(({ agrees }) => !agrees).length
  return [
    `cluster   ${verdict(wrong, `${asked.length} shared counters are what replicas hold, this one what its ledger has`)}`,
  ]
}

function sharedDifference(counter: string, { sum, parts, own, memory }: SharedAccount): string {
  const whole = sum === parts ? '' : `; ${sum} of all together, where each one's come to ${parts}`
  return `DIFFERS   cluster: ${counter}: ${own} in the counter store, ${memory} in shared memory${whole}`
}

/** What is wrong with a counter apart from what other gateways share of it. */
function isInMemory({ shared, least, most, sum }: CounterCheck): boolean {
  return shared?.agrees !== false || sum < least || sum > most
}

function verdict(differences: number, agreed: string): string {
  return differences === 0 ? agreed : `${differences} do not agree, see below`
}
