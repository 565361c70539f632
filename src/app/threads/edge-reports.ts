import type { EgressEvent, GatewayError, RefusedConnection } from '../../core/index.ts'
import type { GatewayMetrics } from '../../observability/index.ts'
import type { FromWorker } from '../messages.ts'

const UNREADABLE_MS = 60_000
const REFUSED_MS = 60_000
const EGRESS_MS = 1_000

/**
 * Counts and logs what goes wrong at the edges of one worker, before there is a request or beside it. Whoever attacks is seen,
 * and cannot fill the log: each kind has one line in a while, for as many as there were.
 */
export class EdgeReports {
  readonly #worker: number
  readonly #metrics: GatewayMetrics
  readonly #say: (message: FromWorker) => void
  readonly #unreadable = new Seldom(UNREADABLE_MS)
  readonly #refused = new Seldom(REFUSED_MS)
  readonly #egress = new Map<string, Seldom>()

  constructor(worker: number, metrics: GatewayMetrics, say: (message: FromWorker) => void) {
    this.#worker = worker
    this.#metrics = metrics
    this.#say = say
  }

  /** A client sent what is no request. */
  unreadable({ code }: GatewayError): void {
    this.#metrics.unreadable(code)
    const count = this.#unreadable.count()
    if (count > 0) this.#warn('clients send what is no request and is refused', { code, count, worker: this.#worker })
  }

  /** A connection of a client was closed because there were too many. */
  refusedConnection(reason: RefusedConnection, address: string | null): void {
    this.#metrics.connectionRefused(reason)
    const count = this.#refused.count()
    if (count === 0) return
    const key = reason === 'address' ? 'limits.connections_per_address' : 'limits.connections'
    const fields = { reason, address, count, worker: this.#worker }
    this.#warn(`client connections beyond ${key} are closed`, fields)
  }

  /** What became of a connection to an upstream: those that stand are no news. */
  connection({ outcome, host, port, rule, code }: EgressEvent): void {
    this.#metrics.connection(outcome)
    if (outcome === 'connected' || outcome === 'abandoned') return
    const seldom = this.#egress.get(outcome) ?? new Seldom(EGRESS_MS)
    this.#egress.set(outcome, seldom)
    if (seldom.count() === 0) return
    const message = outcome === 'denied' ? 'a connection was refused by the egress policy' : 'a connection failed'
    this.#warn(message, { host, port, rule, code })
  }

  #warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#say({ type: 'log', level: 'warn', message, fields: { ...fields } })
  }
}

/** Counts events, and tells once in a while how many there were. */
class Seldom {
  readonly #everyMs: number
  #count = 0
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  /** One more: how many there were since that was told; 0 when it is too early to tell. */
  count(): number {
    this.#count++
    const nowMs = performance.now()
    if (nowMs - this.#toldMs < this.#everyMs) return 0
    const count = this.#count
    this.#count = 0
    this.#toldMs = nowMs
    return count
  }
}
