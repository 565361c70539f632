import { randomUUID } from 'node:crypto'
import { type MessagePort, Worker } from 'node:worker_threads'
import { type ConfigDocument, resolveReference } from '../config/index.ts'
import type { KeyDocument, KnownShares, LimitsDocument, SharedCounter } from '../governance/index.ts'
import type { Log, MetricsCollector } from '../observability/index.ts'
import type { CounterAccount, CounterPeriod, CounterShare } from '../storage/index.ts'
import { budgetLeases } from './leased-budgets.ts'
import { NOT_READY, PROCESS_CELL, type SharedMemory } from './memory.ts'
import type { ClusterNews, ClusterThreadStart } from './messages.ts'
import { StartError } from './start-error.ts'
import { THREAD_ENTRY } from './threads/location.ts'
import { Caller } from './threads/rpc.ts'

const RESTART_MS = 200
const HEAP_MB = 256

export interface ClusterOptions {
  readonly config: NonNullable<ConfigDocument['cluster']>
  readonly dataDir: string
  /** Of the ledger of this replica, or of its part of one. */
  readonly identity: string
  readonly memory: SharedMemory
  readonly log: Log
  readonly metrics: MetricsCollector
  /** Limits of all keys and levels, as workers know them. */
  readonly limits: () => Iterable<LimitsDocument>
  /** Connects every worker to a new thread. */
  readonly onRestart: () => void
  /** Another replica, or this one, has told of a change. */
  readonly onNotice: (notice: ClusterNotice) => void
}

/** What replicas tell each other. */
export type ClusterNotice =
  | { readonly type: 'revoked'; readonly from: string; readonly key: string; readonly hash: string }
  | { readonly type: 'reload'; readonly from: string }
  /** Keys of the database that all of them use. */
  | { readonly type: 'keys'; readonly from: string }

/** A budget that replicas share, and what the store has of it. */
export interface SharedBudget {
  readonly counter: SharedCounter
  readonly account: CounterAccount
}

type State = Extract<ClusterNews, { kind: 'cluster-state' }>['state']

/** The control thread's side of a cluster: starts the thread that borrows, hands it counters, says how it stands. */
export class Cluster {
  /** The identity of its ledger. */
  readonly replica: string
  readonly #name: string
  readonly #options: ClusterOptions
  readonly #start: ClusterThreadStart
  #thread: { worker: Worker; calls: Caller }
  #state: State | null = null
  #counts = { asked: 0, refused: 0, unavailable: 0 }
  /** Of threads that are gone. */
  #before = { asked: 0, refused: 0, unavailable: 0 }
  #epochs = 0
  /** Kept for a thread that takes the place of the present one. */
  readonly #shares = new Map<string, KnownShares>()
  #closing = false
  #begun = false

  constructor(options: ClusterOptions) {
    this.#options = options
    const { config, dataDir, identity, memory } = options
    this.replica = identity
    this.#name = config.replica ?? this.replica
    this.#start = {
      role: 'cluster',
      url: resolved('cluster.counters', config.counters),
      password: config.password === undefined ? null : resolved('cluster.password', config.password),
      caFile: config.ca_file ?? null,
      dataDir,
      cluster: config.name,
      replica: this.replica,
      name: this.#name,
      incarnation: randomUUID(),
      counters: memory.counters,
      process: memory.process,
    }
    Atomics.or(new Int32Array(memory.process), PROCESS_CELL.notReady, NOT_READY.counter_store)
    this.#thread = this.#startThread()
    this.#registerMetrics()
  }

  /** Begins to borrow: what was spent before is known by now. */
  begin(): void {
    this.#begun = true
    void this.#call('hearShares', [...this.#shares.values()])
    void this.#call('learn', budgetLeases(this.#options.limits(), Date.now()))
    void this.#call('start')
  }

  /** These limits have come in force. */
  learn(limits: Iterable<LimitsDocument | KeyDocument>): void {
    if (!this.#begun) return
    const counters: readonly SharedCounter[] = budgetLeases(limits, Date.now())
    if (counters.length > 0) void this.#call('learn', counters)
  }

  /** What a common ledger says that others have spent of counters: known before anything of these is lent again. */
  async hearShares(counters: readonly CounterPeriod[], shares: readonly CounterShare[]): Promise<void> {
    const known = counters.flatMap(({ counter: name, period }, at): KnownShares[] => {
      const others = shares[at]?.others ?? []
      return others.length === 0 ? [] : [{ name, period, others }]
    })
    for (const each of known) this.#shares.set(each.name, each)
    if (known.length > 0) await this.#thread.calls.call('hearShares', known)
  }

  /** What the counter store has of these budgets in their present periods, in their order. Rejects when it cannot be asked. */
  async accounts(budgets: Iterable<LimitsDocument>): Promise<readonly SharedBudget[]> {
    const counters = budgetLeases(budgets, Date.now())
    const accounts = (await this.#thread.calls.call('accounts', counters)) as readonly CounterAccount[] // the thread's own
    return counters.flatMap((counter, at) => {
      const account = accounts[at]
      return account === undefined ? [] : [{ counter, account }]
    })
  }

  /** A worker asks through this port. */
  attach(port: MessagePort): void {
    this.#thread.worker.postMessage({ id: 0, method: 'attach', args: [port] }, [port])
  }

  /** Lets go of counters, whose places may be others' afterwards. */
  async forget(names: readonly string[]): Promise<void> {
    for (const name of names) this.#shares.delete(name)
    await this.#thread.calls.call('forget', names)
  }

  /** Tells all replicas; what cannot be told is in the log. */
  async tell(notice: ClusterNotice): Promise<void> {
    try {
      await this.#thread.calls.call('tell', JSON.stringify(notice))
    } catch (error) {
      this.#options.log.error('the other replicas could not be told of a change', { notice: notice.type, error })
    }
  }

  /** Gives back what is borrowed, and ends. */
  async close(): Promise<void> {
    this.#closing = true
    const { worker, calls } = this.#thread
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    try {
      await calls.call('close')
      await ended
    } catch {
      await worker.terminate() // it was gone; what it held is held until it expires
    }
  }

  status(): object {
    return { replica: this.#name, name: this.#options.config.name, ...this.#state }
  }

  async #call(method: string, ...args: readonly unknown[]): Promise<void> {
    try {
      await this.#thread.calls.call(method, ...args)
    } catch (error) {
      if (!this.#closing) this.#options.log.error('the thread that borrows from shared counters failed', { error })
    }
  }

  #startThread(): { worker: Worker; calls: Caller } {
    const worker = new Worker(THREAD_ENTRY, {
      name: 'ferro-cluster',
      workerData: this.#start,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    })
    const calls = new Caller(worker)
    worker.on('message', (news: ClusterNews) => {
      if ('kind' in news) this.#hear(news)
    })
    worker.on('error', (error) => this.#options.log.error('the thread that borrows failed', { error }))
    worker.on('exit', (code) => {
      if (!this.#closing) this.#restart(code)
    })
    return { worker, calls }
  }

  /** Meanwhile nothing that is borrowed may be used: the thread's successor finds it in shared memory. */
  #restart(code: number): void {
    const cells = new Int32Array(this.#options.memory.process)
    Atomics.store(cells, PROCESS_CELL.clusterOpen, 0)
    Atomics.or(cells, PROCESS_CELL.notReady, NOT_READY.counter_store)
    const reason = `the thread that borrows ended with code ${code}; another takes its place`
    this.#hear({ kind: 'cluster-state', state: { state: 'unreachable', reason, epoch: '', replicas: 0 } })
    for (const name of ['asked', 'refused', 'unavailable'] as const) this.#before[name] += this.#counts[name]
    this.#counts = { asked: 0, refused: 0, unavailable: 0 }
    setTimeout(() => {
      if (this.#closing) return
      this.#thread = this.#startThread()
      this.#options.onRestart()
      if (this.#begun) this.begin()
    }, RESTART_MS)
  }

  #hear(news: ClusterNews): void {
    switch (news.kind) {
      case 'cluster-counts':
        this.#counts = news.counts
        return
      case 'cluster-notice':
        return this.#notice(news.text)
      case 'cluster-state':
        return this.#stateIs(news.state)
    }
  }

  #notice(text: string): void {
    try {
      const notice = JSON.parse(text) as ClusterNotice // another replica's `tell`
      if (notice.from !== this.replica) this.#options.onNotice(notice)
    } catch (error) {
      this.#options.log.warn('a notice of another replica cannot be read', { error })
    }
  }

  /** In the log once for each change, not for each try. */
  #stateIs(state: State): void {
    const before = this.#state
    this.#state = state
    const { log } = this.#options
    const { epoch, replicas } = state
    if (epoch !== '' && epoch !== before?.epoch) this.#epochs++
    if (state.state === before?.state) return
    const { reason } = state
    if (state.state === 'open') log.info('the shared counters are in use', { epoch, replicas })
    else if (state.state === 'rebuilding')
      log.info('the replicas publish what they hold of the shared counters', { epoch })
    else log.error('the shared counters cannot be used; what has limits is refused, all else goes on', { reason })
  }

  #registerMetrics(): void {
    const { metrics } = this.#options
    const count = (name: 'asked' | 'refused' | 'unavailable') => () => this.#before[name] + this.#counts[name]
    const gauge = (name: string, help: string, read: () => number) => metrics.gauge({ name, help }, read)
    const counter = (name: string, help: string, read: () => number) => metrics.counter({ name, help }, read)
    gauge('ferro_cluster_counters_available', '1 when the shared counters can be used, else 0.', () =>
      this.#state?.state === 'open' ? 1 : 0,
    )
    gauge('ferro_cluster_replicas', 'Replicas that share counters, this one among them.', () =>
      this.#state?.state === 'open' ? this.#state.replicas : 0,
    )
    counter('ferro_cluster_epochs_total', 'Epochs of the shared counters; a new one when their store lost them.', () =>
      Math.max(0, this.#epochs),
    )
    counter('ferro_cluster_asked_total', 'Admissions for which what was borrowed did not suffice.', count('asked'))
    counter('ferro_cluster_refused_total', 'Those of them that a limit or budget refused.', count('refused'))
    counter('ferro_cluster_unavailable_total', 'Those that got no answer in time.', count('unavailable'))
  }
}

function resolved(where: string, text: string): string {
  const reference = resolveReference(text, process.env)
  if (!reference.ok) throw new StartError(`${where}: ${reference.missing}`)
  return reference.secret.reveal()
}
