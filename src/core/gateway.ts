import { RequestIds } from '../lib/index.ts'
import { Deadlines } from './deadlines.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { ExchangeList } from './exchange-list.ts'
import { DEFAULT_HEAD_LIMITS, type HeadLimits } from './http1/head-limits.ts'
import { PausedClients } from './http1/paused-clients.ts'
import type { Plan } from './plan.ts'

/** Limits of the listener that requests meet before a route's own. */
export interface EdgeLimits {
  /** Longest silence while a body is being sent, milliseconds. */
  readonly bodyIdleMs: number
  /** Bodies held in memory by all requests together, bytes. */
  readonly bodyMemoryBytes: number
  /** Absent: the usual ones. */
  readonly head?: HeadLimits
}

export interface GatewayOptions {
  readonly plan: Plan
  readonly limits: EdgeLimits
  /** An unexpected exception, of a request or of the listener itself (null): reported, never swallowed. */
  readonly onFault: (error: unknown, x: Exchange | null) => void
  /** A client sent what is no request, and was refused: no exchange tells of it. Never the client's bytes. */
  readonly onUnreadable?: (error: GatewayError) => void
  /** A connection was closed since its address, or the whole listener, has as many as it may. */
  readonly onRefusedConnection?: (reason: RefusedConnection, address: string | null) => void
}

/** Whose bound on connections was reached; `idle`: the listener's, and one that was idle gave way. */
export type RefusedConnection = 'address' | 'listener' | 'idle'

/** One thread's data plane: the current plan and everything that lives longer than a request. */
export class Gateway {
  plan: Plan
  limits: EdgeLimits
  readonly ids = new RequestIds()
  readonly exchanges = new ExchangeList()
  readonly pausedClients = new PausedClients()
  readonly deadlines = new Deadlines(this.exchanges)
  readonly onFault: (error: unknown, x: Exchange | null) => void
  readonly onUnreadable: ((error: GatewayError) => void) | null
  readonly onRefusedConnection: ((reason: RefusedConnection, address: string | null) => void) | null
  /** Answers carry `Connection: close`, so that clients move to another worker or instance. */
  leaving = false
  /** How overloaded the thread is: 0 not, 1 strained, 2 overloaded; routes say from which on they are refused. */
  loadLevel = 0
  /** Bytes of bodies being read or held for dispatch. */
  bodyBytes = 0
  #whenIdle: (() => void)[] = []

  constructor(options: GatewayOptions) {
    this.plan = options.plan
    this.limits = options.limits
    this.onFault = options.onFault
    this.onUnreadable = options.onUnreadable ?? null
    this.onRefusedConnection = options.onRefusedConnection ?? null
  }

  /** How large heads may be from now on. */
  get headLimits(): HeadLimits {
    return this.limits.head ?? DEFAULT_HEAD_LIMITS
  }

  begin(x: Exchange): void {
    this.exchanges.add(x)
    this.deadlines.wake()
  }

  end(x: Exchange): void {
    this.exchanges.remove(x)
    this.bodyBytes -= x.bodyBytes
    x.bodyBytes = 0
    if (this.#whenIdle.length > 0 && this.exchanges.size === 0) {
      const waiting = this.#whenIdle
      this.#whenIdle = []
      for (const resolve of waiting) resolve()
    }
  }

  /** Resolves when no request is in flight. */
  async idle(): Promise<void> {
    if (this.exchanges.size === 0) return
    await new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve)
    })
  }

  /** Ends every request that is still in flight, each with an error in its own dialect. */
  cutAll(cut: (x: Exchange, error: GatewayError) => void): void {
    this.exchanges.each((x) => cut(x, new GatewayError('draining', 'The gateway is shutting down.')))
  }
}
