import { setTimeout as delay } from 'node:timers/promises'
import type { ClientEntry } from './client.ts'
import { isObject } from './json.ts'
import { ledgerViolations } from './ledger-rules.ts'
import { type LedgerRow, type LedgerSnapshot, type RequestRow, readLedger } from './ledger-snapshot.ts'
import { findSamples, type MetricSample } from './metrics.ts'
import { sentHeader, type WallRequest } from './wall/wall.ts'

/** What the checker compares; everything but the database is optional. */
export interface Evidence {
  readonly databasePath: string
  readonly wall?: { readonly requests: readonly WallRequest[] }
  readonly clients?: readonly { readonly log: readonly ClientEntry[] }[]
  /** Asked again at each look. */
  readonly metrics?: () => Promise<readonly MetricSample[]>
}

/**
 * Looks until no invariant is violated (ingest is then complete) or the deadline has passed, and returns the
 * violations of the last look as sentences: an empty list is a pass. Call it when no request is in flight.
 */
export async function violations(evidence: Evidence, deadlineMs = 5_000): Promise<string[]> {
  const end = performance.now() + deadlineMs
  for (;;) {
    // A look at many rows takes a while itself: the last one begins when the deadline has passed.
    const last = performance.now() >= end
    const found = await look(evidence)
    if (found.length === 0 || last) return found
    await delay(25)
  }
}

async function look({ databasePath, wall, clients, metrics }: Evidence): Promise<string[]> {
  const snapshot = readLedger(databasePath)
  const log = clients?.flatMap((client) => client.log) ?? []
  const byId = Map.groupBy(snapshot.requests, (row) => row.id)
  return [
    ...ledgerViolations(snapshot),
    ...(wall ? dispatchViolations(snapshot, wall.requests, log) : []),
    ...log.flatMap((entry) => clientViolations(entry, byId)),
    ...(metrics ? budgetViolations(snapshot, await metrics()) : []),
  ]
}

/** Every request that the wall saw is in the database exactly once, with the usage that the wall told. */
function dispatchViolations(
  snapshot: LedgerSnapshot,
  seen: readonly WallRequest[],
  log: readonly ClientEntry[],
): string[] {
  const found: string[] = []
  const find = rowFinder(snapshot.requests, log)
  const matched = new Map<RequestRow, number>()
  const unmatched: WallRequest[] = []
  for (const request of seen) {
    const rows = find(request)
    const [row] = rows
    if (rows.length > 1) found.push(`nonce ${request.nonce} is in the database ${rows.length} times`)
    if (row) matched.set(row, (matched.get(row) ?? 0) + 1)
    else unmatched.push(request)
    if (row && !usageAgrees(row, request)) {
      found.push(
        `${row.id} has ${row.inputTokens}+${row.outputTokens} tokens, the wall told ${JSON.stringify(request.usage)}`,
      )
    }
  }
  for (const [row, count] of matched) {
    if (count > row.attempts) found.push(`${row.id} reached the wall ${count} times, its row says ${row.attempts}`)
  }
  // A record made after a crash knows nothing of the client, and a client that sends neither trace nor nonce tells nothing: such rows
  // are matched by model and number.
  const anonymous = snapshot.requests.filter((row) => !matched.has(row))
  for (const [model, requests] of Map.groupBy(unmatched, (request) => request.model)) {
    const isNameless = requests.every((each) => each.nonce === null && sentHeader(each, 'traceparent') === undefined)
    const rows = anonymous.filter(({ outcome }) => isNameless || outcome === 'lost')
    // A request that was asked for more than once has one record of all its attempts.
    const attempts = rows.reduce((sum, row) => sum + attemptsAt(row, model), 0)
    for (const request of requests.slice(attempts)) {
      found.push(`request ${request.number} at the wall (${request.model}, ${request.nonce}) is not in the database`)
    }
  }
  return found
}

/** How often a record says that this model was asked. */
function attemptsAt({ attempts, attemptHistory, modelServed }: RequestRow, model: string | null): number {
  if (attemptHistory === null) return modelServed === model ? attempts : 0
  // `openai/gpt-5=…`, or `openai/gpt-5#credential=…`
  const isOf = (past: string) => past.includes(`/${model}=`) || past.includes(`/${model}#`)
  return attemptHistory.split(', ').filter(isOf).length
}

/** Finds the rows of a request at the wall: by trace id, by the id that the client was told, or by the nonce. */
function rowFinder(
  requests: readonly RequestRow[],
  log: readonly ClientEntry[],
): (seen: WallRequest) => readonly RequestRow[] {
  const byTrace = Map.groupBy(requests, (row) => row.traceId)
  const byNonce = Map.groupBy(requests, (row) => row.clientRequestId)
  const byId = Map.groupBy(requests, (row) => row.id)
  const idOfNonce = new Map(log.map((entry) => [entry.nonce, entry.requestId]))
  return ({ nonce, ...seen }) => {
    const trace = sentHeader(seen, 'traceparent')?.split('-')[1]
    const traced = trace === undefined ? undefined : byTrace.get(trace)
    const named = nonce === null ? undefined : byNonce.get(nonce)
    // The nonce is the client's own: where it is in several rows, that is what must be seen.
    if (named !== undefined && named.length > 1) return named
    return own(traced, seen.model) ?? named ?? byId.get(idOfNonce.get(nonce ?? '') ?? '') ?? []
  }
}

/** A request and its shadow have one trace; they are told apart by who served them. */
function own(rows: readonly RequestRow[] | undefined, model: string | null): readonly RequestRow[] | undefined {
  if (rows === undefined || rows.length < 2) return rows
  const shadows = rows.filter(({ route }) => route?.endsWith('.shadow') === true)
  const served = shadows.filter(({ modelServed }) => modelServed === model)
  return served.length > 0 ? served : rows.filter((row) => !shadows.includes(row))
}

function usageAgrees(row: RequestRow, request: WallRequest): boolean {
  const { usage } = request
  if (row.outcome !== 'success' || row.usageSource !== 'reported' || row.attempts !== 1 || !isObject(usage)) return true
  const { prompt_tokens: input, completion_tokens: output } = usage
  if (!isCount(input) || !isCount(output)) return true
  return row.inputTokens === input && row.outputTokens === output
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Every answer that a client got has exactly one row, with the status that the client saw. */
function clientViolations(entry: ClientEntry, byId: ReadonlyMap<string, readonly RequestRow[]>): string[] {
  if (entry.outcome === 'open') return [`request ${entry.nonce} is still open`]
  if (entry.requestId === null) return []
  const rows = byId.get(entry.requestId) ?? []
  const [row] = rows
  if (!row || rows.length > 1) return [`${entry.requestId} (status ${entry.status}) has ${rows.length} rows`]
  const found: string[] = []
  if (row.outcome !== 'lost' && row.status !== entry.status) {
    found.push(`${row.id} answered ${entry.status}, its row says ${row.status}`)
  }
  if (row.clientRequestId !== null && row.clientRequestId !== entry.nonce) {
    found.push(`${row.id} belongs to ${entry.nonce}, its row says ${row.clientRequestId}`)
  }
  if (row.outcome === 'success' && entry.outcome === 'cut') found.push(`${row.id} was cut, its row says success`)
  return found
}

/** At rest: nothing reserved, and what each token budget has used (limit passed or not) is what the ledger settled. */
function budgetViolations({ ledger }: LedgerSnapshot, samples: readonly MetricSample[]): string[] {
  const reserved = findSamples(samples, 'ferro_budget_reserved').filter((sample) => sample.value !== 0)
  const held = reserved.map((sample) => `${sample.value} are still reserved for ${JSON.stringify(sample.labels)}`)
  // What levels between a key and the gateway have used is not said by the ledger's rows alone.
  const used = findSamples(samples, 'ferro_budget_used', { unit: 'tokens' }).filter(
    ({ labels }) => labels.level === undefined || labels.level === 'gateway',
  )
  const wrong = used.flatMap(({ labels, value }) => {
    const isOwn = (row: LedgerRow) => labels.level === 'gateway' || row.keyId === labels.key
    const settled = ledger.filter((row) => row.phase !== 'reserve' && isOwn(row))
    const sum = settled.reduce((tokens, row) => tokens + row.tokens, 0)
    const [overshoot] = findSamples(samples, 'ferro_budget_overshoot', labels)
    const all = value + (overshoot?.value ?? 0)
    return sum === all
      ? []
      : [`budget of ${labels.key ?? labels.level} has used ${all} tokens, the ledger settled ${sum}`]
  })
  return [...held, ...wrong]
}
