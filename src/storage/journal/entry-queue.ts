/** Hears whether its reservation is in the journal. An object instead of a closure: one request makes none. */
export interface ReserveWaiter {
  journaled(error: Error | null): void
}

/** Hears that its settlement is in the journal. */
export interface SettleWaiter {
  settlementWritten(): void
}

const RESERVE = 0
const SETTLE = 1
const RECORD = 2

/** Entries that wait for the journal, in the order in which they were appended. Reused: `clear` keeps the arrays. */
export class EntryQueue {
  readonly payloads: string[] = []
  readonly #kinds: number[] = []
  readonly #waiters: (ReserveWaiter | SettleWaiter | null)[] = []
  /** Characters of waiting records. */
  #recordCharacters = 0

  get length(): number {
    return this.payloads.length
  }

  addReserve(payload: string, waiter: ReserveWaiter): void {
    this.#add(RESERVE, payload, waiter)
  }

  addSettle(payload: string, waiter: SettleWaiter): void {
    this.#add(SETTLE, payload, waiter)
  }

  addRecord(payload: string): void {
    this.#add(RECORD, payload, null)
  }

  /** The waiter of entry `i` when that is a reservation, else null. */
  reserveWaiter(i: number): ReserveWaiter | null {
    // A waiter's type follows from its entry's kind, see addReserve and addSettle.
    return this.#kinds[i] === RESERVE ? (this.#waiters[i] as ReserveWaiter) : null
  }

  /** The waiter of entry `i` when that is a settlement, else null. */
  settleWaiter(i: number): SettleWaiter | null {
    // As above.
    return this.#kinds[i] === SETTLE ? (this.#waiters[i] as SettleWaiter) : null
  }

  clear(): void {
    this.payloads.length = 0
    this.#kinds.length = 0
    this.#waiters.length = 0
    this.#recordCharacters = 0
  }

  /** Drops the first `count` entries. */
  removeFirst(count: number): void {
    for (let i = 0; i < count; i++) this.#forget(i)
    this.payloads.splice(0, count)
    this.#kinds.splice(0, count)
    this.#waiters.splice(0, count)
  }

  /** Appends the settlements and records of `other`, not its reservations. */
  takeKept(other: EntryQueue): void {
    for (let i = 0; i < other.length; i++) if (other.#kinds[i] !== RESERVE) this.#copy(other, i)
  }

  /** Appends all of `other`. */
  takeAll(other: EntryQueue): void {
    for (let i = 0; i < other.length; i++) this.#copy(other, i)
  }

  /** Drops the oldest records until those left have at most `characters`; returns how many were dropped. */
  dropRecordsBeyond(characters: number): number {
    if (this.#recordCharacters <= characters) return 0
    const all = new EntryQueue()
    all.takeAll(this)
    let excess = this.#recordCharacters - characters
    let dropped = 0
    this.clear()
    for (let i = 0; i < all.length; i++) {
      if (excess > 0 && all.#kinds[i] === RECORD) {
        excess -= all.payloads[i]?.length ?? 0
        dropped++
      } else this.#copy(all, i)
    }
    return dropped
  }

  #add(kind: number, payload: string, waiter: ReserveWaiter | SettleWaiter | null): void {
    this.payloads.push(payload)
    this.#kinds.push(kind)
    this.#waiters.push(waiter)
    if (kind === RECORD) this.#recordCharacters += payload.length
  }

  #copy(from: EntryQueue, i: number): void {
    this.#add(from.#kinds[i] ?? RECORD, from.payloads[i] ?? '', from.#waiters[i] ?? null)
  }

  #forget(i: number): void {
    if (this.#kinds[i] === RECORD) this.#recordCharacters -= this.payloads[i]?.length ?? 0
  }
}

/** Tells a reservation's waiter. One that throws keeps no other waiting: its error surfaces after them, uncaught. */
export function tellJournaled(waiter: ReserveWaiter, error: Error | null): void {
  try {
    waiter.journaled(error)
  } catch (thrown) {
    surface(thrown)
  }
}

/** Tells a settlement's waiter, with the same care. */
export function tellSettled(waiter: SettleWaiter): void {
  try {
    waiter.settlementWritten()
  } catch (thrown) {
    surface(thrown)
  }
}

function surface(thrown: unknown): void {
  process.nextTick(() => {
    throw thrown
  })
}
