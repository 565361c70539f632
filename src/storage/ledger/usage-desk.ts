import type { SqlDatabase } from '../sql/sql-database.ts'
import type { SharedStore } from '../store.ts'
import { type AwaitedThing, AwaitedUsage, type DueThing, type LookTimes } from './awaited-usage.ts'
import { HeldAmounts, type Released } from './held-amounts.ts'
import { type UsageClaim, UsageClaims } from './usage-claims.ts'

/** What the journals say of running requests. */
export interface JournalsPort {
  /** Reads them to their end into the database; throws when that refuses. */
  readAll(): void
  /** Whether a request has an attempt that is open. */
  holds(requestId: string): boolean
}

/**
 * The writer's side of UsageClaimsPort: who tells the usage of things that go on after the request that began them, what is
 * held for them meanwhile, and who looks when nobody asks. Everything throws when the database refuses.
 */
export class UsageDesk {
  readonly #journals: JournalsPort
  readonly #claims: UsageClaims
  readonly #held: HeldAmounts
  readonly #awaited: AwaitedUsage
  /** Whoever claimed before this and is in no journal has died; 0 where this process took over from another. */
  diedMs = 0

  constructor(database: SqlDatabase, shared: SharedStore | null, journals: JournalsPort) {
    this.#journals = journals
    this.#claims = new UsageClaims(database, shared)
    this.#held = new HeldAmounts(database)
    this.#awaited = new AwaitedUsage(database)
  }

  /** Whether this request may tell the usage of a thing. */
  claim(thing: string, requestId: string, nowMs: number): UsageClaim {
    this.#journals.readAll()
    const { diedMs } = this
    return this.#claims.claim(thing, requestId, { nowMs, diedMs, isOpen: (id) => this.#journals.holds(id) })
  }

  /** This request has told it. */
  told(thing: string, requestId: string): void {
    this.#journals.readAll()
    this.#claims.told(thing, requestId, (id) => this.#journals.holds(id))
  }

  /** This request is charged in advance for a thing that it began. */
  hold(thing: string, requestId: string): void {
    this.#held.expect(thing, requestId, Date.now())
  }

  /** What was held for a thing whose usage was told is given back; null: nothing. `unused`: it used nothing, and nobody tells. */
  release(thing: string, unused = false): Released | null {
    this.#journals.readAll()
    if (!unused && !this.#claims.isTold(thing)) return null
    const released = this.#held.release(thing, unused ? 'release' : 'adjust', Date.now())
    // What cannot be given back yet is looked at once more.
    if (!this.#held.holds(thing)) this.#awaited.remove(thing)
    return released
  }

  /** Somebody has to look at a thing. */
  await(thing: AwaitedThing, times: LookTimes): void {
    this.#awaited.put(thing, Date.now(), times)
  }

  /** What is due for a look. */
  due(most: number, times: LookTimes): readonly DueThing[] {
    return this.#awaited.take(Date.now(), most, times)
  }

  /** Nobody looks at it any more; what is held for it stays charged. */
  giveUp(thing: string): void {
    this.#awaited.remove(thing)
    this.#held.keep(thing)
  }

  /** Forgets what was held for things of which no vendor knows any more. */
  forgetOld(nowMs: number): void {
    this.#held.forgetOld(nowMs)
  }
}
