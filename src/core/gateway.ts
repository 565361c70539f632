import type { ServerResponse } from 'node:http'
import { RequestIds } from '../lib/index.ts'
import { Deadlines } from './deadlines.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { ExchangeList } from './exchange-list.ts'
import type { Plan } from './plan.ts'

/** Limits of the listener that requests meet before a route's own. */
export interface EdgeLimits {
  /** Longest silence while a body is being sent, milliseconds. */
  readonly bodyIdleMs: number
  /** Bodies held in memory by all requests together, bytes. */
  readonly bodyMemoryBytes: number
}

export interface GatewayOptions {
  readonly plan: Plan
  readonly limits: EdgeLimits
  /** An unexpected exception while serving a request: reported, never swallowed. */
  readonly onFault: (error: unknown, x: Exchange) => void
}

/** One thread's data plane: the current plan and everything that lives longer than a request. */
export class Gateway {
  plan: Plan
  readonly limits: EdgeLimits
  readonly ids = new RequestIds()
  readonly exchanges = new ExchangeList()
  readonly deadlines = new Deadlines(this.exchanges)
  readonly onFault: (error: unknown, x: Exchange) => void
  /** Answers carry `Connection: close`, so that clients move to another worker or instance. */
  leaving = false
  /** Bytes of bodies being read or held for dispatch. */
  bodyBytes = 0
  #onIdle: (() => void) | null = null

  constructor(options: GatewayOptions) {
    this.plan = options.plan
    this.limits = options.limits
    this.onFault = options.onFault
  }

  begin(x: Exchange): void {
    this.exchanges.add(x)
    this.deadlines.wake()
  }

  end(x: Exchange): void {
    this.exchanges.remove(x)
    this.bodyBytes -= x.bodyBytes
    x.bodyBytes = 0
    if (this.#onIdle !== null && this.exchanges.size === 0) this.#onIdle()
  }

  /** Resolves when no request is in flight. */
  async idle(): Promise<void> {
    if (this.exchanges.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onIdle = () => {
        this.#onIdle = null
        resolve()
      }
    })
  }

  /** Ends every request that is still in flight, each with an error in its own dialect. */
  cutAll(cut: (x: Exchange, error: GatewayError) => void): void {
    this.exchanges.each((x) => cut(x, new GatewayError('draining', 'The gateway is shutting down.')))
  }
}

/** Ties Node's response to the exchange, for listeners shared by all requests. */
export const EXCHANGE = Symbol('exchange')
export type BoundResponse = ServerResponse & { [EXCHANGE]: Exchange }
