import { setTimeout as delay } from 'node:timers/promises'
import {
  type Beat,
  type CounterStore,
  type CounterStoreOptions,
  openCounterStore,
  type PeerBook,
  type SeenHolders,
  type ServerFacts,
} from '../../storage/index.ts'
import type { Lender } from './lender.ts'

/** How replica and store find out that they have lost each other. */
export const CLUSTER_TIMES = {
  /** A command that takes longer has failed. With the wait of a request it stays below the half second that is promised. */
  answerMs: 350,
  /** A request waits so long for what it needs. */
  patienceMs: 400,
  beatEveryMs: 100,
  /** What is borrowed may be used for so long after a beat that was answered. */
  validMs: 450,
  deadAfterMs: 10_000,
} as const

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 500
const REBUILD_POLL_MS = 25
const TEND_EVERY_MS = 50
const PEERS_EVERY_MS = 1_000
/** How often the server is asked whether it would still keep what it holds. */
const FACTS_EVERY_MS = 5_000
/** Counters whose holders are looked at in one second. */
const PEERS_AT_ONCE = 500
const CHUNK = 100

/** What a replica says of the store. */
export interface ClusterState {
  /** `rebuilding`: replicas publish what they hold, after the store lost it or for the first time. */
  readonly state: 'open' | 'rebuilding' | 'unreachable'
  /** Why it cannot be used; null for the others. */
  readonly reason: string | null
  readonly epoch: string
  readonly replicas: number
}

export interface ClusterSessionOptions
  extends Pick<CounterStoreOptions, 'address' | 'cluster' | 'replica' | 'name' | 'process' | 'onNotice'> {
  readonly lender: Lender
  readonly onState: (state: ClusterState) => void
  /** What is borrowed may be used until then, on the clock of `performance.now()` of this thread. */
  readonly onValid: (untilMs: number) => void
  /** What was seen of the others, here or by a process before this one. */
  readonly book: Pick<PeerBook, 'peers' | 'keepPeers' | 'keepHolders'>
  /** The store counts its notices: this is the number of the last one, and which count it is. */
  readonly onChanges: (said: Pick<Beat, 'changes' | 'log'>, store: CounterStore) => void
}

/** Keeps a session with the store: connects, publishes what is held, shows that it lives, and begins anew when anything fails. */
export class ClusterSession {
  readonly #options: ClusterSessionOptions
  #store: CounterStore | null = null
  #peers: readonly string[]
  #epoch = ''
  #failed = Promise.withResolvers<string>()
  #closing = false
  #running: Promise<void> = Promise.resolve()
  #rota = 0

  constructor(options: ClusterSessionOptions) {
    this.#options = options
    this.#peers = options.book.peers
  }

  start(): void {
    this.#running = this.#run()
  }

  /** The session in force, for notices; null while there is none. */
  get store(): CounterStore | null {
    return this.#store
  }

  /** Nobody knows what the store has of us: all begins anew. */
  fail(error: unknown): void {
    this.#failed.resolve(error instanceof Error ? error.message : String(error))
  }

  /** Gives everything back, and ends. */
  async close(): Promise<void> {
    this.#closing = true
    const store = this.#store
    if (store !== null) {
      await this.#options.lender.returnAll()
      try {
        await store.leave()
      } catch {
        // The store counts this replica as dead a little later.
      }
    }
    this.#failed.resolve('the gateway stops')
    await this.#running
  }

  async #run(): Promise<void> {
    for (let waitMs = FIRST_RETRY_MS; !this.#closing; ) {
      this.#failed = Promise.withResolvers()
      const wasOpen = await this.#session()
      const reason = await this.#failed.promise
      this.#options.lender.close()
      this.#store?.close()
      this.#store = null
      if (this.#closing) return
      this.#options.onState({ state: 'unreachable', reason, epoch: this.#epoch, replicas: this.#peers.length })
      waitMs = wasOpen ? FIRST_RETRY_MS : Math.min(LAST_RETRY_MS, waitMs * 2)
      await delay(waitMs)
    }
  }

  /** One session; resolves, when it has failed, to whether it was open. */
  async #session(): Promise<boolean> {
    const timers: NodeJS.Timeout[] = []
    let wasOpen = false
    try {
      const store = await this.#connect()
      this.#store = store
      if (this.#closing) return false
      await this.#join(store)
      wasOpen = true
      timers.push(setInterval(() => void this.#options.lender.tend(), TEND_EVERY_MS))
      timers.push(setInterval(() => void this.#lookAtPeers(store), PEERS_EVERY_MS))
      timers.push(setInterval(() => void this.#lookAtServer(store), FACTS_EVERY_MS))
      const beats = setInterval(() => void this.#beat(store), CLUSTER_TIMES.beatEveryMs)
      timers.push(beats)
      await this.#failed.promise
    } catch (error) {
      this.fail(error)
    } finally {
      for (const timer of timers) clearInterval(timer)
    }
    return wasOpen
  }

  async #connect(): Promise<CounterStore> {
    const { address, cluster, replica, name, process, onNotice, lender } = this.#options
    const { answerMs, deadAfterMs } = CLUSTER_TIMES
    const store = await openCounterStore({
      address,
      cluster,
      replica,
      name,
      process,
      answerMs,
      deadAfterMs,
      onFailure: (failure) => this.fail(failure),
      onRecall: (name) => lender.recall(name),
      onNotice,
    })
    const problem = problemOf(store.facts)
    if (problem === null) return store
    store.close()
    throw new Error(problem)
  }

  /** Publishes what this replica holds, and waits until all others have, when the store has lost what it knew. */
  async #join(store: CounterStore): Promise<void> {
    const { lender, onState } = this.#options
    const isRebuilding = (await store.join(this.#peers)) === 'rebuilding'
    this.#epoch = store.epoch
    if (isRebuilding) onState({ state: 'rebuilding', reason: null, epoch: store.epoch, replicas: this.#peers.length })
    const nowMs = performance.timeOrigin + performance.now()
    const counters = [...lender.counters]
    for (let from = 0; from < counters.length; from += CHUNK) {
      const part = counters.slice(from, from + CHUNK).map((counter) => counter.publication(nowMs))
      await store.publish(part)
    }
    while (!(await store.done())) await delay(REBUILD_POLL_MS)
    await this.#beat(store)
    lender.open(store)
    onState({ state: 'open', reason: null, epoch: store.epoch, replicas: this.#peers.length })
  }

  async #beat(store: CounterStore): Promise<void> {
    const { lender, onValid, onChanges } = this.#options
    const sentAtMs = performance.now()
    try {
      const { changes, log, replicas } = await store.beat()
      if (store !== this.#store) return
      this.#see(replicas)
      lender.replicas = replicas.length
      onValid(sentAtMs + CLUSTER_TIMES.validMs)
      onChanges({ changes, log }, store)
    } catch (error) {
      if (store === this.#store) this.fail(error)
    }
  }

  #see(replicas: readonly string[]): void {
    const before = new Set(this.#peers)
    this.#peers = replicas
    if (replicas.length !== before.size || !replicas.every((each) => before.has(each)))
      remember(() => this.#options.book.keepPeers(replicas))
  }

  /** Its settings may be changed while it runs. */
  async #lookAtServer(store: CounterStore): Promise<void> {
    try {
      const problem = problemOf(await store.look())
      if (problem !== null) throw new Error(problem)
    } catch (error) {
      if (store === this.#store) this.fail(error)
    }
  }

  /** What others hold of budgets is remembered, in case the store and one of them are lost at the same time. */
  async #lookAtPeers(store: CounterStore): Promise<void> {
    const budgets = [...this.#options.lender.counters].filter(({ about }) => about.kind === 'budget')
    if (budgets.length === 0) return
    if (this.#rota >= budgets.length) this.#rota = 0
    const part = budgets.slice(this.#rota, this.#rota + PEERS_AT_ONCE)
    this.#rota += PEERS_AT_ONCE
    try {
      const nowMs = performance.timeOrigin + performance.now()
      const held = await store.holdings(part.map((counter) => counter.store(nowMs)))
      const seen: SeenHolders[] = []
      for (const [at, counter] of part.entries()) {
        const { peers } = counter
        counter.peers = held[at] ?? peers
        if (isSame(peers, counter.peers)) continue
        seen.push({ counter: counter.key, held: counter.peers, ttlMs: counter.store(nowMs).ttlMs })
      }
      if (seen.length > 0) remember(() => this.#options.book.keepHolders(seen, nowMs))
    } catch (error) {
      if (store === this.#store) this.fail(error)
    }
  }
}

function isSame(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean {
  return one.size === other.size && [...one].every(([replica, held]) => other.get(replica) === held)
}

function remember(write: () => void): void {
  try {
    write()
  } catch {
    // A disk that is full stops the journal, which says so; what is not remembered is missed at a cold start alone.
  }
}

/** Why a server cannot hold counters; null: it can. */
function problemOf({ role, eviction, maxMemoryBytes }: ServerFacts): string | null {
  if (role !== '' && role !== 'master') return 'the server is a replica: it takes no writes'
  if (maxMemoryBytes > 0 && eviction !== 'noeviction') {
    return `the server forgets keys when its memory is full (maxmemory-policy ${eviction}); set it to noeviction`
  }
  return null
}
