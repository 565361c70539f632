/**
 * Borrows for this replica from the counters that it shares with others. Workers take from what is borrowed in shared memory; when that
 * is not enough they ask here, and one script in the store takes what is missing of all counters, or of none. Far away from
 * a limit more is borrowed than was asked for, so that the next requests ask nobody; near it nothing is, and what requests
 * leave over goes back at once. What all replicas hold together, used or not, is what the store counts: so no limit is passed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { CounterAccount, CounterStore, Taken, Taking } from '../../storage/index.ts'
import { BorrowedCounter, type SharedCounter, storeName } from './borrowed-counter.ts'

/** So much of one counter. */
export interface Need {
  readonly counter: SharedCounter
  readonly amount: number
}

/** What a common ledger says that others have spent of a counter in a period. */
export interface KnownShares {
  readonly name: string
  readonly period: number
  readonly others: readonly (readonly [replica: string, spent: number])[]
}

export type LeaseAnswer =
  /** It is there now; another request may take it before, then ask again. */
  | { readonly type: 'lent' }
  /** The need at this position has no room; of a rate it would have in so many microseconds. */
  | { readonly type: 'refused'; readonly at: number; readonly waitUs: number }
  | { readonly type: 'unavailable' }

/** What is not used for so long is given back. */
const IDLE_MS = 1_000
/** A request that was told so takes within this time what was borrowed for it. */
const TAKEN_WITHIN_MS = 25
/** Others give back what they were asked for within a few of these. */
const RECALL_WAIT_MS = 20
const RECALLS = 6
/** As long as nothing else is to be told, the store hears this rarely how much of a lease is used. */
const TELL_EVERY_MS = 500
/** A counter that nobody has used for so long, and of which nothing is held, is forgotten. */
const FORGET_MS = 60_000
const CHUNK = 100

/** What the store has lent. */
interface Lent {
  readonly amount: number
  readonly room: number
  readonly ahead: number
  readonly asked: boolean
  readonly timesTold: number
}

/** One of several counters had no room. */
type Refused = Extract<Taken, { type: 'refused' }> & { readonly counter: BorrowedCounter; readonly claimed: number }

export interface LenderOptions {
  readonly cells: BigInt64Array
  /** What others were last seen to hold of a budget, by its key, before this process. */
  readonly remembered: (key: string) => ReadonlyMap<string, number>
  /** How long a request may wait for an answer. */
  readonly patienceMs: number
  /** The store knows nothing of this replica any more, or nobody knows what it has. */
  readonly onLost: (error: unknown) => void
}

export class Lender {
  readonly #options: LenderOptions
  readonly #counters = new Map<string, BorrowedCounter>()
  /** By name, in the period that was last heard of. */
  readonly #shares = new Map<string, { readonly key: string; readonly others: ReadonlyMap<string, number> }>()
  #store: CounterStore | null = null
  #opened = Promise.withResolvers<void>()
  #replicas = 1
  readonly counts = { asked: 0, refused: 0, unavailable: 0 }

  constructor(options: LenderOptions) {
    this.#options = options
  }

  get counters(): Iterable<BorrowedCounter> {
    return this.#counters.values()
  }

  /** These have been used before: what of them counts as spent must be in the store before anybody asks for more. */
  learn(counters: readonly SharedCounter[]): void {
    for (const about of counters) {
      if (this.#counters.has(storeName(about))) continue
      const counter = this.#begin(about)
      if (counter.read().held > 0) this.#counters.set(counter.key, counter)
    }
  }

  /** A ledger that replicas write together says what others have spent: said to the store before anything more of it is lent. */
  async hearShares(known: readonly KnownShares[]): Promise<void> {
    const begun: BorrowedCounter[] = []
    for (const { name, period, others } of known) {
      const key = `${name}:${period}`
      this.#shares.set(name, { key, others: new Map(others) })
      const counter = this.#counters.get(key)
      if (counter === undefined) continue
      counter.shares = new Map(others)
      begun.push(counter)
    }
    const store = this.#store
    if (store === null || begun.length === 0) return
    try {
      for (let from = 0; from < begun.length; from += CHUNK)
        await store.publish(begun.slice(from, from + CHUNK).map((counter) => counter.sharesOnly(this.#now())))
    } catch (error) {
      this.#lost(store, error)
    }
  }

  /** The store has all that this replica holds: admission is open. */
  open(store: CounterStore): void {
    this.#store = store
    this.#opened.resolve()
  }

  /** Nobody knows what the store has. */
  close(): void {
    if (this.#store === null) return
    this.#store = null
    this.#opened = Promise.withResolvers<void>()
    for (const counter of this.#counters.values()) counter.told = null
  }

  set replicas(count: number) {
    this.#replicas = Math.max(1, count)
  }

  /** Borrows what is missing of all these, or of none. */
  async admit(needs: readonly Need[]): Promise<LeaseAnswer> {
    this.counts.asked++
    const endMs = this.#now() + this.#options.patienceMs
    for (let recalls = 0; ; ) {
      const store = this.#store ?? (await this.#whenOpen(endMs))
      if (store === null) {
        this.counts.unavailable++
        return { type: 'unavailable' }
      }
      const beganMs = this.#now()
      const answer = await this.#borrow(store, needs)
      if (answer === null) continue // the session ended meanwhile
      if (answer.type === 'lent') return answer
      // Whoever waits hears a refusal in time rather than nothing, where the store is slow.
      const lastMs = endMs - (this.#now() - beganMs)
      // More came for other requests meanwhile, and may do for this one.
      if (answer.counter.free > answer.claimed && this.#now() < lastMs) continue
      // Whoever has something in use is asked once: what has just ended there is not told yet.
      const mayCome = answer.lent > 0 || (answer.inUse > 0 && recalls === 0)
      if (!mayCome || ++recalls > RECALLS || this.#now() + RECALL_WAIT_MS > lastMs) {
        this.counts.refused++
        return { type: 'refused', at: answer.at, waitUs: answer.waitUs }
      }
      await delay(RECALL_WAIT_MS)
    }
  }

  /** What the store has of these budgets, in their order. */
  async accounts(store: CounterStore, counters: readonly SharedCounter[]): Promise<readonly CounterAccount[]> {
    const found: CounterAccount[] = []
    for (let from = 0; from < counters.length; from += CHUNK) {
      const part = counters.slice(from, from + CHUNK)
      const asked = part.map((about) => ({ ...about, name: storeName(about), ttlMs: 0 }))
      found.push(...(await store.accounts(asked)))
    }
    return found
  }

  /** Another replica needs what is borrowed of this counter. */
  recall(name: string): void {
    const counter = this.#counters.get(name)
    if (counter === undefined) return
    counter.near = true
    counter.lot = 0
    const nowMs = this.#now()
    if (nowMs - counter.grantedAtMs > TAKEN_WITHIN_MS) counter.giveBack()
    void this.#tell([counter])
  }

  /** Gives back what lies idle, borrows where it runs short, tells the store what has changed. */
  async tend(): Promise<void> {
    const nowMs = this.#now()
    const due: BorrowedCounter[] = []
    for (const counter of this.#counters.values()) {
      counter.coverDebt(nowMs)
      const isFresh = nowMs - counter.grantedAtMs <= TAKEN_WITHIN_MS
      const wasUsed = counter.wasUsed(nowMs)
      if (!isFresh && (counter.near || nowMs - Math.max(counter.usedAtMs, counter.grantedAtMs) > IDLE_MS)) {
        counter.giveBack()
        if (!wasUsed && nowMs - counter.usedAtMs > IDLE_MS) counter.lot = 0
      } else if (wasUsed && counter.lot > 0 && counter.free < counter.lot / 2) {
        void this.#ahead(counter)
      }
      if (this.#isDue(counter, nowMs)) due.push(counter)
      if (counter.isOver(nowMs) && nowMs - Math.max(counter.usedAtMs, counter.toldAtMs) > FORGET_MS)
        this.#counters.delete(counter.key)
    }
    await this.#tell(due)
  }

  /** Gives everything back that is not spent. */
  async returnAll(): Promise<void> {
    for (const counter of this.#counters.values()) {
      counter.coverDebt(this.#now())
      counter.giveBack()
    }
    await this.#tell([...this.#counters.values()])
  }

  /** Lets go of counters whose places will be others'. */
  async forget(names: ReadonlySet<string>): Promise<void> {
    const gone = [...this.#counters.values()].filter(({ about }) => names.has(about.name))
    for (const counter of gone) counter.giveBack()
    await this.#tell(gone)
    for (const counter of gone) this.#counters.delete(counter.key)
    for (const name of names) this.#shares.delete(name)
  }

  async #borrow(store: CounterStore, needs: readonly Need[]): Promise<{ type: 'lent' } | Refused | null> {
    const nowMs = this.#now()
    const counters = needs.map(({ counter }) => this.#counterOf(counter))
    const fresh = counters.filter(({ told }) => told === null)
    // In the order of the connection: what this replica holds is known before it takes more.
    const published =
      fresh.length === 0 ? null : store.publish(fresh.map((counter) => counter.publication(this.#now())))
    const claims = needs.map(({ amount }, at) => {
      const counter = counters[at] as BorrowedCounter // one for each need
      const claim = Math.min(amount, counter.free)
      counter.setAside += claim
      return claim
    })
    const positions: number[] = []
    const takings: Taking[] = []
    for (const [at, { amount }] of needs.entries()) {
      const need = amount - (claims[at] ?? 0)
      const counter = counters[at] as BorrowedCounter // as above
      if (need === 0) continue
      positions.push(at)
      // Of many requests at once only the first borrows ahead.
      const want = counter.asking === 0 ? this.#wanted(counter, amount, nowMs) : 0
      takings.push({ counter: counter.store(this.#now()), told: counter.told ?? 0, need, want })
      counter.asking++
    }
    try {
      await published
      if (takings.length === 0) return { type: 'lent' }
      const timesTold = positions.map((at) => (counters[at] as BorrowedCounter).timesTold) // as above
      const answer = await store.take(takings, this.#replicas)
      if (store !== this.#store) return null
      if (answer.type === 'refused') {
        const at = positions[answer.at] ?? 0
        const counter = counters[at] as BorrowedCounter // as above
        counter.near = true
        return { ...answer, at, counter, claimed: claims[at] ?? 0 }
      }
      for (const [place, { amount, room }] of answer.grants.entries()) {
        const taking = takings[place] as Taking // one grant for each
        const counter = counters[positions[place] ?? 0] as BorrowedCounter // as above
        const ahead = amount - taking.need
        this.#lend(counter, { amount, room, ahead, asked: taking.want > 0, timesTold: timesTold[place] ?? 0 })
      }
      return { type: 'lent' }
    } catch (error) {
      this.#lost(store, error)
      return null
    } finally {
      for (const [at, counter] of counters.entries()) counter.setAside -= claims[at] ?? 0
      for (const at of positions) (counters[at] as BorrowedCounter).asking-- // as above
    }
  }

  /** Borrows in the background what requests are about to need. */
  async #ahead(counter: BorrowedCounter): Promise<void> {
    const store = this.#store
    if (store === null || counter.told === null || counter.asking > 0) return
    const nowMs = this.#now()
    const want = this.#wanted(counter, 1, nowMs)
    const { timesTold } = counter
    try {
      const answer = await store.take(
        [{ counter: counter.store(this.#now()), told: counter.told, need: 0, want }],
        this.#replicas,
      )
      const [grant] = answer.type === 'taken' && store === this.#store ? answer.grants : []
      if (grant !== undefined) this.#lend(counter, { ...grant, ahead: grant.amount, asked: true, timesTold })
    } catch (error) {
      this.#lost(store, error)
    }
  }

  /** `asked`: something ahead was asked for as well; `timesTold`: of the moment when it was asked for. */
  #lend(counter: BorrowedCounter, { amount, room, ahead, asked, timesTold }: Lent): void {
    const nowMs = this.#now()
    counter.lend(amount, nowMs)
    counter.told = (counter.told ?? 0) + amount
    // What was told behind the asking has overwritten in the store what this has put to the idle part.
    if (counter.timesTold === timesTold) counter.idleTold += counter.about.kind === 'rate' ? amount : ahead
    if (ahead > 0) counter.near = false
    else if (asked) counter.near = true
    counter.hearRoom(room, nowMs)
  }

  /** Twice as much as last time when that did not last, so that a busy counter asks a few times a second. */
  #wanted(counter: BorrowedCounter, amount: number, nowMs: number): number {
    const least = amount * 4
    counter.lot = nowMs - counter.grantedAtMs < 500 ? Math.max(least, Math.min(counter.lot * 2, 2 ** 50)) : least
    return counter.lot
  }

  #counterOf(about: SharedCounter): BorrowedCounter {
    const key = storeName(about)
    const known = this.#counters.get(key)
    if (known !== undefined && known.about.slot === about.slot && known.about.lease === about.lease) {
      known.about = about // its limit may be another
      return known
    }
    const counter = this.#begin(about)
    this.#counters.set(key, counter)
    return counter
  }

  #begin(about: SharedCounter): BorrowedCounter {
    const counter = new BorrowedCounter(about, this.#options.cells)
    counter.coverDebt(this.#now())
    if (about.kind !== 'budget') return counter
    const shares = this.#shares.get(about.name)
    if (shares?.key === counter.key) counter.shares = shares.others
    counter.peers = this.#options.remembered(counter.key)
    return counter
  }

  #isDue(counter: BorrowedCounter, nowMs: number): boolean {
    if (counter.told === null) return true
    const { idle, held } = counter.read()
    if (counter.near || held > counter.told) return true
    if (counter.about.kind !== 'rate' && held !== counter.told) return true
    if (idle > counter.idleTold || idle < counter.idleTold / 2) return true
    return nowMs - counter.toldAtMs > TELL_EVERY_MS
  }

  async #tell(counters: readonly BorrowedCounter[]): Promise<void> {
    const store = this.#store
    if (store === null) return
    try {
      const fresh = counters.filter(({ told }) => told === null)
      const sent: Promise<unknown>[] = []
      for (let from = 0; from < fresh.length; from += CHUNK) {
        const part = fresh.slice(from, from + CHUNK)
        sent.push(store.publish(part.map((counter) => counter.publication(this.#now()))))
      }
      const changed = counters.flatMap((counter) => {
        const change = counter.change(this.#now())
        if (change === null) return []
        counter.sent(change, this.#now())
        return [{ counter, change }]
      })
      for (let from = 0; from < changed.length; from += CHUNK) {
        const part = changed.slice(from, from + CHUNK)
        sent.push(store.sync(part.map(({ change }) => change)).then((heard) => hear(part, heard, this.#now())))
      }
      await Promise.all(sent)
    } catch (error) {
      this.#lost(store, error)
    }
  }

  /** Milliseconds since the epoch, on a clock that nobody sets back. */
  #now(): number {
    return performance.timeOrigin + performance.now()
  }

  #lost(store: CounterStore, error: unknown): void {
    if (store === this.#store) this.#options.onLost(error)
  }

  async #whenOpen(endMs: number): Promise<CounterStore | null> {
    const waitMs = endMs - this.#now()
    if (waitMs <= 0) return this.#store
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, waitMs)
    await Promise.race([this.#opened.promise, late])
    clearTimeout(timer)
    return this.#store
  }
}

function hear(part: readonly { readonly counter: BorrowedCounter }[], heard: readonly number[], nowMs: number): void {
  for (const [at, { counter }] of part.entries()) {
    const figure = heard[at] ?? 0
    if (counter.about.kind === 'rate') counter.hearAhead(figure, nowMs)
    else counter.hearAll(figure)
  }
}
