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

/** A target of which something is known. */
export interface KnownTarget {
  /** Place in the order of the request. */
  readonly at: number
  readonly memory: TargetMemory
}

export interface PlaceWaitOptions {
  /** Milliseconds of the clock that all threads share. */
  readonly now: () => number
  /** The request itself has no more time than this. */
  readonly leftMs: number
  /** Targets that are left alone for now: one whose rest ends meanwhile is taken. */
  readonly resting: readonly KnownTarget[]
  /** There is a place: it has been taken. */
  readonly onPlace: (at: number, permit: Permit) => void
  /** The wait is over, whatever came of it; not called for one that was cancelled. */
  readonly resume: (isInVain: boolean) => void
}

interface QueuedTarget extends KnownTarget {
  /** It waits there no longer than this. */
  readonly untilMs: number
}

/** Where a rest should be over and is not, e.g. since a probe is under way, it is looked at again after so long. */
const LOOK_MS = 100

/**
 * A request that waits until one of several targets has a place for it, in the queues of all of them; in each as long as
 * that allows.
 */
export class PlaceWait implements PlaceWaiter {
  readonly sinceMs: number
  readonly #options: PlaceWaitOptions
  readonly #endMs: number
  #queued: QueuedTarget[] = []
  #resting: KnownTarget[]
  #timer: NodeJS.Timeout | null = null

  private constructor(options: PlaceWaitOptions) {
    this.#options = options
    this.sinceMs = options.now()
    this.#endMs = this.sinceMs + options.leftMs
    this.#resting = [...options.resting]
  }

  /** Null when as many wait as may, wherever one could. */
  static begin(targets: readonly KnownTarget[], options: PlaceWaitOptions): PlaceWait | null {
    const wait = new PlaceWait(options)
    for (const target of targets) wait.#join(target, wait.sinceMs)
    if (wait.#queued.length === 0) return null
    wait.#arm(wait.sinceMs)
    return wait
  }

  offer(queue: PlaceQueue): 'full' | 'gone' {
    const target = this.#queued.find(({ memory }) => memory.isQueue(queue))
    if (target === undefined) return 'gone'
    const { memory } = target
    const nowMs = this.#options.now()
    if (memory.waitMs(nowMs) === 0) return this.#take(target, nowMs, 'turn') ? 'gone' : 'full'
    // It has failed or asked for a pause meanwhile: a place there is of no use before that is over.
    this.#leave(target)
    this.#resting.push(target)
    if (this.#queued.length === 0) this.#end('nowhere')
    else this.#arm(nowMs)
    return 'gone'
  }

  /** The request has ended. */
  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (const { memory } of this.#queued) memory.leave(this)
    this.#queued = []
    this.#resting = []
  }

  #join(target: KnownTarget, nowMs: number): boolean {
    const { memory } = target
    if (memory.concurrency === null || !memory.join(this)) return false
    this.#queued.push({ ...target, untilMs: Math.min(this.#endMs, nowMs + memory.concurrency.waitMs) })
    return true
  }

  #leave(target: QueuedTarget): void {
    target.memory.leave(this)
    this.#queued = this.#queued.filter((each) => each !== target)
  }

  #take({ at, memory }: KnownTarget, nowMs: number, turn: 'new' | 'turn'): boolean {
    const permit = memory.begin(nowMs, turn)
    if (permit === REFUSED) return false
    this.#options.onPlace(at, permit)
    this.#end('place')
    return true
  }

  #arm(nowMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    let nextMs = Number.POSITIVE_INFINITY
    for (const { untilMs } of this.#queued) nextMs = Math.min(nextMs, untilMs)
    for (const { memory } of this.#resting) {
      nextMs = Math.min(nextMs, nowMs + (leftAloneMs(memory, nowMs) || LOOK_MS))
    }
    this.#timer = setTimeout(this.#onTime, Math.max(0, Math.ceil(nextMs - nowMs)))
  }

  readonly #onTime = (): void => {
    const nowMs = this.#options.now()
    for (const target of this.#resting.filter(({ memory }) => leftAloneMs(memory, nowMs) === 0)) {
      if (this.#take(target, nowMs, 'new')) return
      // It has as many requests as it takes: one waits for it as for the others.
      if (this.#join(target, nowMs)) this.#resting = this.#resting.filter((each) => each !== target)
    }
    for (const target of this.#queued.filter(({ untilMs }) => untilMs <= nowMs)) this.#leave(target)
    if (this.#queued.length === 0) this.#end('in-vain')
    else this.#arm(nowMs)
  }

  #end(why: 'place' | 'in-vain' | 'nowhere'): void {
    this.cancel()
    // Whoever offers is not done with its queue.
    queueMicrotask(() => this.#options.resume(why === 'in-vain'))
  }
}

function leftAloneMs(memory: TargetMemory, nowMs: number): number {
  return Math.max(memory.waitMs(nowMs), memory.restsMs(nowMs))
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
