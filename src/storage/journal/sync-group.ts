import { type ReserveWaiter, tellJournaled } from './entry-queue.ts'

/** Reservations that are written and wait together for one `fdatasync`. */
export class SyncGroup {
  readonly #payloads: string[] = []
  readonly #waiters: ReserveWaiter[] = []

  add(payload: string, waiter: ReserveWaiter): void {
    this.#payloads.push(payload)
    this.#waiters.push(waiter)
  }

  /** The reservations are durable. */
  succeed(): void {
    for (const waiter of this.#waiters) tellJournaled(waiter, null)
  }

  /** The reservations are refused, although they are in the file: `voidEntries` must be appended too. */
  fail(error: Error): void {
    for (const waiter of this.#waiters) tellJournaled(waiter, error)
  }

  /** Entries that take the reservations back. */
  voidEntries(): string[] {
    return this.#payloads.map((payload) => {
      const [, requestId, attempt] = JSON.parse(payload) as unknown[] // made by the caller of reserve()
      return JSON.stringify(['v', requestId, attempt])
    })
  }
}
