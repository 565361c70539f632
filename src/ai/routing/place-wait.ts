import {
  beginAttempt,
  type Exchange,
  fault,
  GatewayError,
  type Permit,
  type PlaceQueue,
  type PlaceWaiter,
  REFUSED,
} from '../../core/index.ts'
import type { TargetMemory } from './state/target-memory.ts'

/** A target that has as many requests as it takes. */
export interface FullTarget {
  /** Place in the order of the request. */
  readonly at: number
  readonly memory: TargetMemory
}

export interface PlaceWaitOptions {
  /** Milliseconds of the clock that all threads share. */
  readonly now: () => number
  /** The request itself has no more time than this. */
  readonly leftMs: number
  /** There is a place: it has been taken. */
  readonly onPlace: (at: number, permit: Permit) => void
  /** The wait is over, whatever came of it; not called for one that was cancelled. */
  readonly resume: (isInVain: boolean) => void
}

/** A request that waits until one of several targets has a place for it, in the queues of all of them. */
export class PlaceWait implements PlaceWaiter {
  readonly sinceMs: number
  readonly #options: PlaceWaitOptions
  readonly #targets: FullTarget[] = []
  #timer: NodeJS.Timeout | null = null

  private constructor(options: PlaceWaitOptions) {
    this.#options = options
    this.sinceMs = options.now()
  }

  /** Null when as many wait as may, wherever one could. */
  static begin(targets: readonly FullTarget[], options: PlaceWaitOptions): PlaceWait | null {
    const wait = new PlaceWait(options)
    let atMostMs = options.leftMs
    for (const target of targets) {
      const { memory } = target
      if (memory.concurrency === null || !memory.join(wait)) continue
      wait.#targets.push(target)
      atMostMs = Math.min(atMostMs, memory.concurrency.waitMs)
    }
    if (wait.#targets.length === 0) return null
    wait.#timer = setTimeout(() => wait.#end('in-vain'), Math.max(0, atMostMs))
    return wait
  }

  offer(queue: PlaceQueue): 'full' | 'gone' {
    const target = this.#targets.find(({ memory }) => memory.isQueue(queue))
    if (target === undefined) return 'gone'
    const { at, memory } = target
    const nowMs = this.#options.now()
    const permit = memory.waitMs(nowMs) > 0 ? REFUSED : memory.begin(nowMs, 'turn')
    if (permit !== REFUSED) {
      this.#options.onPlace(at, permit)
      this.#end('place')
      return 'gone'
    }
    if (memory.waitMs(nowMs) === 0) return 'full'
    // It has failed or asked for a pause meanwhile: a place there is of no use.
    memory.leave(this)
    this.#targets.splice(this.#targets.indexOf(target), 1)
    if (this.#targets.length === 0) this.#end('nowhere')
    return 'gone'
  }

  /** The request has ended. */
  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (const { memory } of this.#targets) memory.leave(this)
    this.#targets.length = 0
  }

  #end(why: 'place' | 'in-vain' | 'nowhere'): void {
    this.cancel()
    // Whoever offers is not done with its queue.
    queueMicrotask(() => this.#options.resume(why === 'in-vain'))
  }
}

/** Goes on with a request whose wait is over. */
export function resumeAfterWait(x: Exchange): void {
  x.waiting = null
  if (x.settled) return
  try {
    beginAttempt(x)
  } catch (error) {
    fault(x, error) // nobody above would confine it to this request
  }
}

/** All targets have as many requests as they take, and the request has waited in vain, or may not wait. */
export function crowded(waitedInVain: boolean): GatewayError {
  const message = waitedInVain
    ? 'No target of this model had room for the request while it waited; try again soon.'
    : 'Every target of this model has as many requests as it takes, and no more may wait; try again soon.'
  return new GatewayError('saturated', message, { retryAfterSeconds: 1 })
}
