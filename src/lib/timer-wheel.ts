import { performance } from 'node:perf_hooks'

const SLOTS = 4096

/** Length of a wheel's tick: a deadline expires up to this much late, and never early. */
export const DEFAULT_TICK_MS = 50

/** A place in a circular list; a list's own head links to itself when the list is empty. */
class Link {
  /** Owned by the wheel. */
  next: Link = this
  /** Owned by the wheel. */
  previous: Link = this
}

/** Something that expires: extended by what has a deadline. It waits in one wheel at a time. */
export abstract class Deadline extends Link {
  /** Owned by the wheel: the tick at which it expires, -1 when it is not scheduled. */
  dueTick = -1

  /** Called once when the time is up, by then no longer scheduled: it may schedule itself again. */
  abstract onExpire(): void

  /** Whether it waits in a wheel. */
  get scheduled(): boolean {
    return this.dueTick !== -1
  }
}

/** What a wheel may be given; tests give a clock. */
export interface TimerWheelOptions {
  readonly tickMs?: number
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number
}

/**
 * All deadlines of a thread on one interval: to schedule or cancel is a few pointer writes, where a timer for each
 * would be an allocation. A ring of lists, one list for each tick; a deadline further away than the ring is long stays
 * in its list for further rounds.
 */
export class TimerWheel {
  readonly #tickMs: number
  readonly #nowMs: () => number
  readonly #slots: Link[]
  readonly #expiring = new Link()
  #interval: NodeJS.Timeout | null = null
  #tick = 0
  #size = 0

  constructor(options: TimerWheelOptions = {}) {
    this.#tickMs = options.tickMs ?? DEFAULT_TICK_MS
    this.#nowMs = options.nowMs ?? (() => performance.now())
    this.#slots = Array.from({ length: SLOTS }, () => new Link())
  }

  /** Number of deadlines that wait. */
  get size(): number {
    return this.#size
  }

  /** Whether the interval runs: only while deadlines wait. It never keeps the process alive. */
  get running(): boolean {
    return this.#interval !== null
  }

  /** Lets a deadline expire `delayMs` from now, up to one tick late; one that waits already is moved. */
  schedule(deadline: Deadline, delayMs: number): void {
    const nowMs = this.#nowMs()
    if (deadline.dueTick !== -1) {
      unlink(deadline)
    } else if (this.#size++ === 0) {
      // Nothing waited, so that the ticks since then had nothing to do.
      this.#tick = Math.floor(nowMs / this.#tickMs)
      this.#interval ??= setInterval(() => this.advance(), this.#tickMs).unref()
    }
    deadline.dueTick = Math.max(this.#tick + 1, Math.ceil((nowMs + delayMs) / this.#tickMs))
    append(this.#slot(deadline.dueTick), deadline)
  }

  /** Takes a deadline out; nothing happens when it does not wait. */
  cancel(deadline: Deadline): void {
    if (deadline.dueTick === -1) return
    this.#remove(deadline)
    if (this.#size === 0) this.#stop()
  }

  /**
   * Expires what is due; the interval calls it. When an `onExpire` throws, the error goes to the caller and the other
   * deadlines that are due expire at the next tick.
   */
  advance(): void {
    const now = Math.floor(this.#nowMs() / this.#tickMs)
    // After a pause longer than the ring one round visits every list.
    const from = Math.max(this.#tick + 1, now - SLOTS + 1)
    for (let tick = from; tick <= now; tick++) this.#collect(this.#slot(tick), now)
    this.#tick = Math.max(this.#tick, now)
    for (let first = this.#expiring.next; first !== this.#expiring; first = this.#expiring.next) {
      const deadline = first as Deadline // only a list's head is a bare Link
      this.#remove(deadline)
      deadline.onExpire()
    }
    if (this.#size === 0) this.#stop()
  }

  /** Drops all deadlines without expiring them and stops the interval. */
  close(): void {
    for (const list of [...this.#slots, this.#expiring]) {
      while (list.next !== list) this.#remove(list.next as Deadline) // only a list's head is a bare Link
    }
    this.#stop()
  }

  #slot(tick: number): Link {
    return this.#slots[tick % SLOTS] as Link // the remainder is an index of the full array
  }

  #collect(list: Link, now: number): void {
    for (let link = list.next; link !== list; ) {
      const deadline = link as Deadline // only a list's head is a bare Link
      link = link.next
      if (deadline.dueTick > now) continue
      unlink(deadline)
      append(this.#expiring, deadline)
    }
  }

  #remove(deadline: Deadline): void {
    unlink(deadline)
    deadline.dueTick = -1
    this.#size--
  }

  #stop(): void {
    if (this.#interval === null) return
    clearInterval(this.#interval)
    this.#interval = null
  }
}

function append(list: Link, link: Link): void {
  link.next = list
  link.previous = list.previous
  list.previous.next = link
  list.previous = link
}

function unlink(link: Link): void {
  link.previous.next = link.next
  link.next.previous = link.previous
  link.next = link
  link.previous = link
}
