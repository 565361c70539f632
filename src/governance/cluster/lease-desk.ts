import { GatewayError } from '../../core/index.ts'
import type { LeaseAnswer, Need } from './lender.ts'

/** How long a request may wait for what it needs, however often it asks. Longer than the lender itself waits for once. */
export const PATIENCE_MS = 450

/** How a worker asks the thread that borrows. */
export interface LeaseCall {
  readonly call: number
  readonly needs: readonly Need[]
}

export interface LeaseReply {
  readonly call: number
  readonly answer: LeaseAnswer
}

/** What a worker needs of a `MessagePort`. */
export interface LeasePort {
  postMessage(message: LeaseCall): void
  on(event: 'message', listener: (reply: LeaseReply) => void): unknown
}

interface Waiting {
  readonly answered: (answer: LeaseAnswer) => void
  readonly timer: NodeJS.Timeout
}

/** Whether what is borrowed may be used: told by the thread that borrows, in cells that all threads see. */
export interface LeaseCells {
  readonly cells: Int32Array
  /** 1: the store has all that this replica holds. */
  readonly open: number
  /** Until when, in ms of the clock that all threads share, as 32 bits that wrap around. */
  readonly untilMs: number
}

/** A worker's side of leases: whether they may be used, and the way to more. */
export class LeaseDesk {
  readonly #cells: LeaseCells
  readonly #nowMs: () => number
  readonly #waiting = new Map<number, Waiting>()
  #port: LeasePort | null = null
  #last = 0

  constructor(cells: LeaseCells, nowMs: () => number) {
    this.#cells = cells
    this.#nowMs = nowMs
  }

  /** The thread that borrows may be another later: calls to the one before get no answer. */
  connect(port: LeasePort): void {
    this.#port = port
    port.on('message', ({ call, answer }) => this.#end(call, answer))
  }

  /** False: nothing that is borrowed may be used, and asking for more is of no use. */
  get open(): boolean {
    return Atomics.load(this.#cells.cells, this.#cells.open) === 1
  }

  /** Whether what is borrowed may be used now, without asking. */
  get valid(): boolean {
    const { cells, untilMs } = this.#cells
    return this.open && ((Atomics.load(cells, untilMs) - Math.floor(this.#nowMs())) | 0) > 0
  }

  /** Asks for more; `answered` is called once, later, after `patienceMs` at the latest. */
  ask(needs: readonly Need[], patienceMs: number, answered: (answer: LeaseAnswer) => void): void {
    const call = ++this.#last
    const timer = setTimeout(() => {
      // After a stall of this thread the answer may lie unread: timers come before messages.
      setImmediate(() => this.#end(call, { type: 'unavailable' }))
    }, patienceMs)
    this.#waiting.set(call, { answered, timer })
    this.#port?.postMessage({ call, needs })
  }

  #end(call: number, answer: LeaseAnswer): void {
    const waiting = this.#waiting.get(call)
    if (waiting === undefined) return
    this.#waiting.delete(call)
    clearTimeout(waiting.timer)
    waiting.answered(answer)
  }
}

/** What has limits is refused as long as nobody knows what others have used of them. */
export function backendUnavailable(): GatewayError {
  const message =
    'The gateway cannot reach the counters that it shares with others, so it refuses what has limits. Try again soon.'
  return new GatewayError('governance_backend_unavailable', message, { retryAfterSeconds: 1 })
}
