import type { Change, CounterKind, Publication, StoreCounter } from '../../storage/index.ts'
import { read } from '../budget.ts'
import {
  beginBudget,
  drainReturned,
  grant,
  grantBudget,
  hasOpen,
  type LeaseReading,
  leasedBudget,
  noteOthers,
  readBudgetLease,
  readRateLease,
  readSeatLease,
  returnBudget,
  returnSeats,
  takeLeased,
} from './lease.ts'

/** A counter as workers name it when they need more of it, with all that the store must know. Plain data, sent between threads. */
export interface SharedCounter {
  readonly kind: CounterKind
  /** Among all replicas. */
  readonly name: string
  /** Where its lease is, and where it is counted itself. */
  readonly lease: number
  readonly slot: number
  /** Of a rate: units that may come at once. */
  readonly limit: number
  /** Of a rate: microseconds until one unit comes back; else 0. */
  readonly unitUs: number
  /** Of a budget; else 0. */
  readonly period: number
  /** When a budget's period ends, ms since the epoch; null: never. */
  readonly endMs: number | null
}

const DAY_MS = 86_400_000
/** After its end a period is still asked for by requests that are settled late, and by whoever compares. */
const AFTER_END_MS = 8 * DAY_MS
const FOR_EVER_MS = 400 * DAY_MS
/** All that was ever borrowed in a period is in one cell: beyond this nothing is given back, so that it does not overflow. */
const MOST_COUNTED = 2 ** 52

/** A counter of which this replica has borrowed: its lease in shared memory, and what the store was told of it. */
export class BorrowedCounter {
  about: SharedCounter
  readonly #cells: BigInt64Array
  /** What the store has as held by us, when all that was sent is done; null: it has not been told in this session. */
  told: number | null = null
  idleTold = 0
  /** How often the store was told what is idle: whatever was lent by an earlier call is overwritten by it there. */
  timesTold = 0
  toldAtMs = 0
  /** What of the idle part is set aside for requests that are being answered. */
  setAside = 0
  /** Requests whose need of it is being asked for. */
  asking = 0
  /** How much is borrowed ahead when it runs short. */
  lot = 0
  /** The store lends nothing ahead: what is idle is given back at once. */
  near = false
  grantedAtMs = Number.NEGATIVE_INFINITY
  usedAtMs = Number.NEGATIVE_INFINITY
  /** What would be idle, had no request taken or settled anything since it was asked last. */
  #unusedIdle = Number.NaN
  /** Units of a rate that are still to come back in the store. */
  back = 0
  #aheadUs = 0
  #aheadAtMs = 0
  /** What others were last seen to hold in the store. */
  peers: ReadonlyMap<string, number> = new Map()
  /** What others have spent by a ledger that all write. */
  shares: ReadonlyMap<string, number> = new Map()
  #spentTold = 0

  constructor(about: SharedCounter, cells: BigInt64Array) {
    this.about = about
    this.#cells = cells
    if (about.kind === 'budget') beginBudget(cells, about.lease, about.period)
  }

  /** Its key among all counters of a replica. */
  get key(): string {
    return storeName(this.about)
  }

  store(nowMs: number): StoreCounter {
    const { kind, limit, unitUs } = this.about
    return { kind, name: this.key, limit, unitUs, ttlMs: this.#ttlMs(nowMs) }
  }

  read(): LeaseReading {
    const { kind, lease, slot, period } = this.about
    if (kind === 'budget') return readBudgetLease(this.#cells, lease, slot, period)
    return kind === 'concurrency' ? readSeatLease(this.#cells, lease, slot) : readRateLease(this.#cells, lease)
  }

  /** What nobody uses and nobody is about to use. */
  get free(): number {
    return Math.max(0, this.read().idle - this.setAside)
  }

  /** Whether requests took or settled something since this was asked last. What is lent or given back meanwhile is no use of it. */
  wasUsed(nowMs: number): boolean {
    const { idle } = this.read()
    if (idle === this.#unusedIdle) return false
    this.#unusedIdle = idle
    this.usedAtMs = nowMs
    return true
  }

  /** More was borrowed. */
  lend(amount: number, nowMs: number): void {
    if (amount === 0) return
    const { kind, lease, period } = this.about
    if (kind === 'budget') grantBudget(this.#cells, lease, period, amount)
    else grant(this.#cells, lease, amount)
    this.#unusedIdle += amount
    this.grantedAtMs = nowMs
  }

  /** Makes what is free unusable, as far as it still is free: the store is told with the next `change`. */
  giveBack(): void {
    for (;;) {
      const { free } = this
      if (free === 0) return
      if (!this.#withdraw(free)) continue
      this.#unusedIdle -= free
      return
    }
  }

  /** Counts as borrowed what was used beyond it: by upstreams that used more than was reserved. */
  coverDebt(nowMs: number): void {
    if (this.about.kind === 'rate') return
    const { idle } = this.read()
    if (idle < 0) this.lend(-idle, nowMs)
  }

  /** What the store is still to be told; null: nothing. */
  change(nowMs: number): Change | null {
    if (this.told === null) return null
    const { kind, lease } = this.about
    if (kind === 'rate') this.back += drainReturned(this.#cells, lease)
    const { held, idle } = this.read()
    const change = held - this.told
    const { back } = this
    const spent = this.#spent()
    if (change === 0 && back === 0 && Math.max(0, idle) === this.idleTold && spent === this.#spentTold) return null
    return { counter: this.store(nowMs), told: this.told, change, idle: Math.max(0, idle), back, spent }
  }

  /** A change is on its way. */
  sent({ change, idle, spent }: Change, nowMs: number): void {
    this.told = (this.told ?? 0) + change
    this.idleTold = idle
    this.timesTold++
    this.#spentTold = spent
    this.back = 0
    this.toldAtMs = nowMs
  }

  /** All of it, for a session that knows nothing; what was to come back may have come back already. */
  publication(nowMs: number): Publication {
    this.coverDebt(nowMs)
    const { held, idle } = this.read()
    this.told = held
    this.idleTold = Math.max(0, idle)
    this.timesTold++
    this.toldAtMs = nowMs
    this.back = Math.min(0, this.back)
    const aheadUs = Math.max(0, this.#aheadUs - (nowMs - this.#aheadAtMs) * 1_000)
    this.#spentTold = this.#spent()
    const { peers, shares } = this
    return { counter: this.store(nowMs), held, idle: this.idleTold, aheadUs, spent: this.#spentTold, peers, shares }
  }

  /** What a common ledger says of others, and nothing of this replica. */
  sharesOnly(nowMs: number): Publication {
    const nothing = { held: null, idle: 0, aheadUs: 0, spent: 0, peers: new Map<string, number>() }
    return { counter: this.store(nowMs), ...nothing, shares: this.shares }
  }

  /** What is left of it in the store was heard. */
  hearRoom(room: number, nowMs: number): void {
    const { kind, limit, unitUs } = this.about
    if (kind === 'rate') this.hearAhead((limit - room) * unitUs, nowMs)
    else this.hearAll(limit - room)
  }

  hearAhead(aheadUs: number, nowMs: number): void {
    this.#aheadUs = aheadUs
    this.#aheadAtMs = nowMs
    const { lease, unitUs } = this.about
    noteOthers(this.#cells, lease, null, aheadUs / unitUs - this.read().held)
  }

  hearAll(sum: number): void {
    const { kind, lease, period } = this.about
    noteOthers(this.#cells, lease, kind === 'budget' ? period : null, sum - this.read().held)
  }

  /** Nothing of it is left to be told, and nothing will come. */
  isOver(nowMs: number): boolean {
    const { kind, lease, slot, period, endMs } = this.about
    const { held } = this.read()
    if (kind === 'budget') {
      if (endMs !== null && nowMs > endMs + 1_000) return !hasOpen(this.#cells, lease, slot, period)
      return held === 0
    }
    return held === 0 && this.back === 0 && nowMs > this.#aheadAtMs + this.#aheadUs / 1_000
  }

  #spent(): number {
    const { kind, slot, period } = this.about
    if (kind !== 'budget') return 0
    const { spent, overshoot } = read(this.#cells, slot, period)
    return spent + overshoot
  }

  #withdraw(amount: number): boolean {
    const { kind, lease, slot, period } = this.about
    if (kind === 'rate') {
      if (!takeLeased(this.#cells, lease, amount)) return false
      this.back += amount
      return true
    }
    if (kind === 'concurrency') return returnSeats(this.#cells, lease, slot, amount)
    const isKept = leasedBudget(this.#cells, lease, period) > MOST_COUNTED
    return isKept || returnBudget(this.#cells, { at: lease, slot, period }, amount)
  }

  #ttlMs(nowMs: number): number {
    const { kind, endMs, limit, unitUs } = this.about
    if (kind === 'rate') return Math.ceil((2 * limit * unitUs) / 1_000) + 60_000
    if (kind === 'concurrency') return 7 * DAY_MS
    return endMs === null ? FOR_EVER_MS : Math.ceil(Math.max(0, endMs - nowMs)) + AFTER_END_MS
  }
}

/** A counter's name in the store. */
export function storeName({ kind, name, period }: SharedCounter): string {
  return kind === 'budget' ? `${name}:${period}` : name
}
