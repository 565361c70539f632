import type { LedgerRow, LedgerSnapshot, RequestRow } from './ledger-snapshot.ts'

/** Violations of the ledger's own invariants, each as a sentence; needs nothing but the database. */
export function ledgerViolations(snapshot: LedgerSnapshot): string[] {
  return [...attemptViolations(snapshot), ...rollUpViolations(snapshot), ...snapshot.requests.flatMap(rowViolations)]
}

/** Every attempt has exactly one reserve and one settle, gives back no more than it was charged, and belongs to a request. */
function attemptViolations({ requests, ledger }: LedgerSnapshot): string[] {
  const rowsOf = Map.groupBy(ledger, (row) => row.requestId)
  const known = new Set(requests.map((request) => request.id))
  const orphans = [...rowsOf.keys()].filter((id) => !known.has(id)).map((id) => `ledger rows of ${id} have no request`)
  const wrong = requests.flatMap((request) => {
    const rows = rowsOf.get(request.id) ?? []
    const attempts = Map.groupBy(rows, (row) => row.attempt)
    // One that found no connection was reserved, and is none of those that the request counts.
    const unused = [...attempts.values()].filter((phases) => phases.every(isUnused)).length
    const expected = Array.from({ length: request.attempts }, (_unused, index) => index + 1)
    const missing = expected.filter((attempt) => !attempts.has(attempt))
    return [
      ...missing.map((attempt) => `attempt ${attempt} of ${request.id} (${request.outcome}) has no ledger rows`),
      ...[...attempts].flatMap(([attempt, phases]) =>
        phaseViolations(request, { attempt, last: request.attempts + unused }, phases),
      ),
    ]
  })
  return [...orphans, ...wrong]
}

function isUnused({ phase, tokens, nanos }: LedgerRow): boolean {
  return phase === 'reserve' || (tokens === 0 && nanos === 0)
}

function phaseViolations(
  request: RequestRow,
  { attempt, last }: { attempt: number; last: number },
  rows: readonly LedgerRow[],
): string[] {
  const name = `attempt ${attempt} of ${request.id} (${request.outcome})`
  const count = (phase: string) => rows.filter((row) => row.phase === phase).length
  const violations: string[] = []
  if (attempt > last) violations.push(`${name} is beyond the ${request.attempts} attempts of its request`)
  if (count('reserve') !== 1) violations.push(`${name} has ${count('reserve')} reserve rows`)
  if (count('settle') !== 1) violations.push(`${name} has ${count('settle')} settle rows`)
  for (const row of rows) {
    const isLater = row.phase === 'release' || row.phase === 'adjust'
    const isWrong = isLater ? row.tokens > 0 || row.nanos > 0 : row.tokens < 0 || row.nanos < 0
    if (isWrong) violations.push(`${name} has a ${isLater ? 'positive' : 'negative'} amount of ${row.phase}`)
    if (row.keyId !== request.keyId) violations.push(`${name} is charged to ${row.keyId}, not to ${request.keyId}`)
  }
  const charged = rows.filter((row) => row.phase !== 'reserve')
  for (const unit of ['tokens', 'nanos'] as const) {
    if (total(charged, unit) < 0) violations.push(`${name} was given back more ${unit} than it was charged`)
  }
  return violations
}

/** `usage_daily` equals what was settled and given back since, summed. */
function rollUpViolations({ ledger, daily }: LedgerSnapshot): string[] {
  const nameOf = (row: { keyId: string | null; provider: string; model: string }) =>
    `${row.keyId ?? ''} ${row.provider} ${row.model}`
  const settled = Map.groupBy(
    ledger.filter((row) => row.phase !== 'reserve'),
    nameOf,
  )
  const rolledUp = Map.groupBy(daily, nameOf)
  const names = new Set([...settled.keys(), ...rolledUp.keys()])
  return [...names].flatMap((name) => {
    const rows = settled.get(name) ?? []
    const sums = rolledUp.get(name) ?? []
    const violations: string[] = []
    for (const unit of ['tokens', 'nanos'] as const) {
      const want = total(rows, unit)
      const have = total(sums, unit)
      if (want !== have) violations.push(`usage_daily of ${name} has ${have} ${unit}, the ledger ${want}`)
    }
    return violations
  })
}

function total<K extends string>(rows: readonly Readonly<Record<K, number>>[], unit: K): number {
  return rows.reduce((sum, row) => sum + row[unit], 0)
}

/** What a request's row says must agree with itself. */
function rowViolations(request: RequestRow): string[] {
  const name = `request ${request.id} (${request.outcome}, ${request.status})`
  const rules: readonly (readonly [broken: boolean, sentence: string])[] = [
    [request.outcome === 'success' && !(request.status >= 200 && request.status < 300), 'is a success without 2xx'],
    [request.outcome === 'success' && request.errorCode !== null, `is a success with error ${request.errorCode}`],
    [request.outcome === 'success' && request.attempts === 0 && request.tokens > 0, 'has tokens without an attempt'],
    [request.outcome === 'refused' && request.status < 400, 'is refused without an error status'],
    [(request.outcome === 'cancelled') !== request.cancelled, 'has an outcome that differs from its cancelled flag'],
    [request.attempts === 0 && request.usageSource !== 'none', `has no attempt, but usage ${request.usageSource}`],
    [
      request.outcome === 'success' && request.attempts > 0 && request.usageSource === 'none',
      'is a success without usage',
    ],
    [request.usageSource === 'none' && request.tokens > 0, 'has tokens of no source'],
    [request.tokens < 0, 'has negative tokens'],
  ]
  return rules.filter(([broken]) => broken).map(([, sentence]) => `${name} ${sentence}`)
}
