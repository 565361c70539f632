import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '../crash/random.ts'
import type { ChatClient } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { booksViolations, countersOf } from './books.ts'
import { type Cell, countsAttempts, isOfValue, levelName } from './cells.ts'
import { type Sent, sendAll, sendPlain } from './clients.ts'
import type { Fleet } from './fleet.ts'
import { amountViolations, concurrencyViolations, type Passage, rateViolations, type Witnesses } from './judges.ts'

export interface PlayOptions {
  readonly clients: number
  readonly requests: number
  readonly random: SeededRandom
  /** Judges by this share of the limit that is configured: below 1 they must find something. */
  readonly judgedShare?: number
}

/** What a cell showed. */
export interface Played {
  readonly cell: string
  readonly sent: number
  readonly passed: number
  readonly refused: number
  /** Clients that left before their answer had ended. */
  readonly left: number
  /** Readings of the limit while clients ran, and the highest share of the limit that one saw. */
  readonly samples: number
  readonly highest: number
  readonly found: readonly string[]
}

const SAMPLE_EVERY_MS = 10
const MOST_TURNS = 2_000
/** The gateway may see the end of a request so much later than its client, who stayed or left. */
const STAYED_SLACK_MS = 500
const LEFT_SLACK_MS = 1_000
const REFUSED: ReadonlySet<string> = new Set(['rate_limit_exceeded', 'insufficient_quota'])
const REFUSALS: ReadonlySet<string> = new Set(['429 rate_limit_exceeded', '402 insufficient_quota'])

/** Lets the clients of a cell loose on it, and says what its limit, or the books, did not hold. */
export async function playCell(fleet: Fleet, cell: Cell, options: PlayOptions): Promise<Played> {
  const { clients: count, requests, random, judgedShare = 1 } = options
  const clients: ChatClient[] = Array.from({ length: count }, (_unused, at) => {
    const key = cell.keys[at % cell.keys.length]
    if (key === undefined) throw new Error('a cell has keys')
    return fleet.client(key, random)
  })
  const seen = fleet.wall.requests.length
  const watching = watch(fleet, cell)
  // Answers that take a while, so that all places are taken for certain.
  const usual =
    cell.kind.type === 'concurrency' ? { share: 0.95, model: 'slow-200', stream: false } : { share: 0.5, model: 'ok' }
  const sent = await sendAll({ clients, cell, requests, random, usual })
  if (fleet.gateways.length > 1) sent.push(...(await useUp(fleet, clients, cell)))
  const { samples, highest } = await watching.stop()
  await quiet(fleet)
  for (const client of clients) client.close()
  const witnesses = await witnessesOf(fleet, cell, sent, seen)
  const found = [...judge(cell, witnesses, judgedShare, fleet), ...(await booksViolations(fleet, cell))]
  if (highest > judgedShare) found.push(`a reader saw ${highest.toFixed(4)} of the limit`)
  if (witnesses.refused.length === 0) found.push('nobody was refused: the cell shows nothing')
  if (witnesses.passed.length === 0) found.push('nobody was let through: the cell shows nothing')
  return {
    cell: cell.name,
    sent: sent.length,
    passed: witnesses.passed.length,
    refused: sent.filter(isRefused).length,
    left: sent.filter(({ leftAt }) => leftAt !== null).length,
    samples,
    highest,
    found,
  }
}

function judge({ kind }: Cell, all: Witnesses, share: number, { gateways }: Fleet): string[] {
  const limit = Math.floor(kind.limit * share)
  // One replica may refuse what another has borrowed and not used; when all is used up there is no such excuse any more.
  const witnesses = gateways.length === 1 ? all : { ...all, refused: [] }
  if (kind.type === 'rate') return rateViolations(witnesses, limit, kind.windowMs)
  if (kind.type === 'concurrency') return concurrencyViolations(witnesses, limit)
  const largest = Math.max(...witnesses.passed.map(({ reserved }) => reserved))
  const left = limit - witnesses.passed.reduce((sum, { settled }) => sum + settled, 0)
  if (gateways.length > 1 && kind.type === 'budget' && left >= largest) return [`${left} could not be used`]
  const perMs = kind.type === 'token-rate' ? limit / kind.windowMs : 0
  return amountViolations(witnesses, { limit, perMs, largest })
}

/**
 * One request after the other, until the limit refuses one though nothing is in flight: what replicas have borrowed and not used can be
 * used. One that was refused before may have found what an earlier one held, of which its client had the answer already.
 */
async function useUp(fleet: Fleet, clients: readonly ChatClient[], cell: Cell): Promise<Sent[]> {
  const sent: Sent[] = []
  if (cell.kind.type !== 'budget') return sent
  let isQuiet = false
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const client = clients[turn % clients.length]
    if (client === undefined) break
    const each = await sendPlain(client, cell)
    sent.push(each)
    if (!isRefused(each)) isQuiet = false
    else if (isQuiet) break
    else {
      await quiet(fleet)
      await Promise.all(fleet.gateways.map(countersOf)) // all that has ended is settled
      isQuiet = true
    }
  }
  return sent
}

function isRefused({ status, code }: Sent): boolean {
  return REFUSALS.has(`${status} ${String(code)}`)
}

/** What everybody outside the gateway saw of these requests, and what the ledger says that they reserved and used. */
async function witnessesOf(
  fleet: Fleet,
  { kind, keys, level }: Cell,
  sent: readonly Sent[],
  seen: number,
): Promise<Witnesses> {
  const arrivals = Map.groupBy(fleet.wall.requests.slice(seen), ({ nonce }) => nonce)
  const ids = new Set(keys.map(({ id }) => id))
  // Also of those that left before they got there: all that is in the journal comes into the database.
  await Promise.all(fleet.gateways.map(countersOf))
  const snapshots = await eventually(
    () => {
      const all = fleet.gateways.map(({ databasePath }) => readLedger(databasePath))
      const known = new Set(all.flatMap(({ requests }) => requests.map(({ clientRequestId }) => clientRequestId)))
      return [...arrivals.keys()].every((nonce) => known.has(nonce)) ? all : null
    },
    { what: 'records of all that reached the wall' },
  )
  const rows = new Map(snapshots.flatMap(({ requests }) => requests.map((row) => [row.clientRequestId, row])))
  const ledger = snapshots.flatMap((snapshot) => snapshot.ledger).filter(({ keyId }) => ids.has(keyId ?? ''))
  const entries = Map.groupBy(ledger, ({ requestId }) => requestId)
  const unit = kind.type === 'budget' ? kind.unit : 'tokens'
  const passed = sent.flatMap((each): Passage[] => {
    const row = rows.get(each.nonce)
    const own = entries.get(row?.id ?? '') ?? []
    // One that was refused a second attempt has held what its first one reserved.
    if (row === undefined || (own.length === 0 && REFUSED.has(row.errorCode ?? ''))) return []
    const total = (phase: string) =>
      own.filter((entry) => entry.phase === phase).reduce((sum, entry) => sum + entry[unit], 0)
    const at = arrivals.get(each.nonce) ?? []
    const ends = [each.leftAt, at[0]?.finishedAt, at[0]?.closedAt].filter((end) => typeof end === 'number')
    return [
      {
        sentAt: each.sentAt,
        arrivedAt: at[0]?.receivedAt ?? null,
        allArrivedAt: at.at(-1)?.receivedAt ?? null,
        busyUntil: ends.length === 0 ? null : Math.min(...ends),
        overAt: each.leftAt === null ? each.doneAt + STAYED_SLACK_MS : each.leftAt + LEFT_SLACK_MS,
        reserved: total('reserve'),
        settled: total('settle'),
        isSingle: own.length === 2,
        counted: countsAttempts(level) ? own.filter(({ phase }) => phase === 'reserve').length : 1,
      },
    ]
  })
  return { passed, refused: sent.filter(isRefused) }
}

/** Reads how much of the cell's budget is used, on every gateway, as long as clients run. */
function watch(fleet: Fleet, cell: Cell) {
  const level = levelName(cell)
  const labels = level.startsWith('key:') ? { key: level.slice('key:'.length) } : { level }
  let running = true
  let samples = 0
  let highest = 0
  const loop = (async () => {
    while (running && cell.kind.type === 'budget' && !isOfValue(cell)) {
      for (const read of await fleet.metrics()) {
        const [used] = findSamples(read, 'ferro_budget_used', labels)
        const [limit] = findSamples(read, 'ferro_budget_limit', labels)
        const [reserved] = findSamples(read, 'ferro_budget_reserved', labels)
        if (used === undefined || limit === undefined || (reserved?.value ?? -1) < 0) throw new Error(`no ${level}`)
        samples++
        highest = Math.max(highest, used.value / limit.value)
      }
      await delay(SAMPLE_EVERY_MS)
    }
  })()
  loop.catch(() => undefined) // `stop` tells
  return {
    stop: async () => {
      running = false
      await loop
      return { samples, highest }
    },
  }
}

/** Resolves when nothing is in flight any more and nothing is reserved. */
async function quiet(fleet: Fleet): Promise<void> {
  await eventually(
    async () => {
      const read = (await fleet.metrics()).flat()
      const open = [...findSamples(read, 'ferro_requests_in_flight'), ...findSamples(read, 'ferro_budget_reserved')]
      return open.every(({ value }) => value === 0)
    },
    { what: 'the end of everything in flight', deadlineMs: 30_000 },
  )
}
