import type { ConfigDocument } from '../../config/index.ts'
import type { Gateway, Plan } from '../../core/index.ts'
import type { FromWorker, KeyMessage } from '../messages.ts'
import type { AccessLogs } from './access-logs.ts'
import type { Listeners } from './listeners.ts'
import type { PlanCompiler } from './plan-compiler.ts'
import type { Pools } from './pools.ts'
import { QuietWatch } from './quiet-watch.ts'
import { Retirement } from './retirement.ts'
import type { Transports } from './transports.ts'

export interface PlanSwapOptions {
  readonly gateway: Gateway
  readonly compiler: PlanCompiler
  readonly listeners: Listeners
  readonly accessLogs: AccessLogs
  readonly pools: Pools
  readonly transports: Transports
  readonly say: (message: FromWorker) => void
  /** The plan of this document is in force from now on. */
  readonly onSwapped: (document: ConfigDocument) => void
}

interface Candidate {
  readonly plan: Plan
  readonly document: ConfigDocument
}

/**
 * The plans of one worker, one after the other: made ready while the one before serves, put in force in one moment with the
 * changes of keys that belong to it, and followed until the last request of those before has ended.
 */
export class PlanSwap {
  readonly #options: PlanSwapOptions
  #candidate: Candidate | null = null
  /** Version that is in force elsewhere; this worker may still compile it. */
  #dueVersion = 0
  /** Of the last change of keys. While its plan is still compiled here, requests begin under the one before. */
  #epoch = 0
  readonly #quiet = new QuietWatch()
  readonly #retirement = new Retirement()

  constructor(options: PlanSwapOptions) {
    this.#options = options
  }

  /** The worker's first plan. Rejects when it cannot be served. */
  async begin(version: number, document: ConfigDocument): Promise<void> {
    const { gateway, compiler } = this.#options
    const plan = await compiler.compile(version, document)
    // A newer one may have overtaken it.
    if (gateway.plan.version < plan.version) gateway.plan = plan
  }

  /** Makes a plan ready, and says whether it can be. It changes nothing yet, unless it is in force elsewhere already. */
  async prepare(version: number, document: ConfigDocument): Promise<void> {
    const { compiler, listeners, accessLogs, say } = this.#options
    try {
      listeners.check(document)
      accessLogs.prepare(document.log.access)
      this.#candidate = { plan: await compiler.compile(version, document), document }
      say({ type: 'compiled', version })
      if (this.#dueVersion !== version) return
      this.#swap(version)
      this.#quiet.begin(this.#epoch, performance.now())
    } catch (error) {
      this.discard(version)
      say({ type: 'refused', version, message: error instanceof Error ? error.message : String(error) })
    }
  }

  /** Gives up what was made ready. */
  discard(version: number): void {
    if (this.#candidate?.plan.version === version) this.#candidate = null
    this.#options.accessLogs.discard()
    this.#options.pools.discard(version)
  }

  /** Keys and levels are others from now on; with some changes comes a plan. */
  changed({ epoch, swap }: Pick<KeyMessage, 'epoch' | 'swap'>): void {
    if (swap !== null) this.#swap(swap)
    this.#epoch = epoch
    if (this.#dueVersion <= this.#options.gateway.plan.version) this.#quiet.begin(epoch, performance.now())
  }

  /** Looks which requests still run: tells what they left behind, and closes what only they used. */
  look(): void {
    const { gateway, transports, pools, say } = this.#options
    const epoch = this.#quiet.reached(gateway.exchanges)
    if (epoch !== null) say({ type: 'quiet', epoch })
    const version = this.#retirement.reached(gateway.exchanges, performance.now())
    if (version === null) return
    transports.closeBefore(version)
    pools.closeBefore(version)
  }

  #swap(version: number): void {
    this.#dueVersion = version
    if (this.#candidate === null || this.#candidate.plan.version !== version) return
    const { plan, document } = this.#candidate
    this.#candidate = null
    this.#options.gateway.plan = plan
    this.#options.onSwapped(document)
    this.#options.pools.swap(version)
    this.#retirement.begin(version, performance.now())
  }
}
