import { randomUUID } from 'node:crypto'
import { WAIT } from '../../src/core/index.ts'
import {
  BUDGET_CELLS,
  type BudgetDocument,
  concurrencyCells,
  Intents,
  intentRegionCells,
  LEASE_CELLS,
  LeaseDesk,
  LeasedCounters,
  type LeasePort,
  loadLending,
  periodOf,
  type Refusal,
  restore,
  type Takings,
} from '../../src/governance/index.ts'
import { createCounters, SlotAllocator } from '../../src/lib/index.ts'
import { openPeerBook } from '../../src/storage/index.ts'
import { eventually } from '../harness/eventually.ts'

const SEATS = 1
const CAPACITY = 4_096
const OPEN = 0
const UNTIL = 1

export interface ReplicaOptions {
  readonly url: string
  readonly name: string
  /** The identity of its ledger; absent: its name. */
  readonly ledger?: string
  readonly cluster: string
  readonly password?: string
  /** PEM of who signed the server's certificate. */
  readonly ca?: string
  /** Where it remembers the others; absent: nowhere. */
  readonly dir?: string
}

const NO_BOOK = { peers: [], heldOf: () => new Map(), keepPeers: () => undefined, keepHolders: () => undefined }

type Lender = Awaited<ReturnType<typeof makeParts>>['lender']

/** One replica without a gateway around it: memory of its own, a session with the store, and the counters of a worker. */
export class Replica {
  readonly cells: BigInt64Array
  readonly counters: LeasedCounters
  readonly states: string[] = []
  readonly desk: LeaseDesk
  readonly #slots: SlotAllocator
  readonly #state: Int32Array
  readonly #intents: Intents
  readonly #parts: Awaited<ReturnType<typeof makeParts>>

  private constructor(
    cells: BigInt64Array,
    parts: Awaited<ReturnType<typeof makeParts>>,
    state: Int32Array,
    states: string[],
  ) {
    this.cells = cells
    this.#parts = parts
    this.states = states
    this.#state = state
    this.#slots = new SlotAllocator(cells)
    this.#intents = new Intents(createRegion(), CAPACITY)
    this.desk = new LeaseDesk({ cells: state, open: OPEN, untilMs: UNTIL }, () => performance.now())
    this.desk.connect(portTo(parts.lender))
    this.counters = new LeasedCounters(cells, { seat: 0, intents: this.#intents, desk: this.desk })
  }

  static async start(options: ReplicaOptions): Promise<Replica> {
    const cells = new BigInt64Array(createCounters(65_536))
    const state = new Int32Array(new SharedArrayBuffer(8))
    const states: string[] = []
    const parts = await makeParts(cells, state, states, options)
    return new Replica(cells, parts, state, states)
  }

  get lender() {
    return this.#parts.lender
  }

  /** What others have told. */
  get notices(): readonly string[] {
    return this.#parts.notices
  }

  async tell(text: string): Promise<void> {
    await this.#parts.session.store?.tell(text)
  }

  begin(): void {
    this.#parts.session.start()
  }

  fail(reason: string): void {
    this.#parts.session.fail(new Error(reason))
  }

  /** As when a beat is late: what is borrowed may not be used until the next one. */
  lapse(): void {
    Atomics.store(this.#state, UNTIL, Math.floor(performance.now() - 1) | 0)
  }

  get isOpen(): boolean {
    return this.desk.open
  }

  /** As when the process is killed: nothing is given back, and nobody takes leave. */
  async kill(): Promise<void> {
    this.fail('killed')
    await eventually(() => !this.isOpen, { what: 'the end of the session' })
    await this.#parts.session.close()
  }

  async close(): Promise<void> {
    await this.#parts.session.close()
  }

  /** A budget of tokens in total, as a key's document has it. */
  budget(name: string, limit: number, per: 'day' | 'total' = 'total'): BudgetDocument {
    return {
      level: `key:${name}`,
      counter: name,
      slot: this.#slots.allocate(name, BUDGET_CELLS),
      lease: this.#lease(name),
      unit: 'tokens',
      per,
      timeZone: 'UTC',
      limit,
    }
  }

  /** What its ledger says that a budget has spent, as at a start; with a lender, which is told of it. */
  spent({ slot, limit, counter, lease, per }: BudgetDocument, amount: number, lender: Lender | null = null): void {
    const period = periodOf(per, Date.now())
    restore(this.cells, slot, period, amount, limit)
    if (lender === null || lease === undefined) return
    lender.learn([{ kind: 'budget', name: counter, lease: lease.at, slot, limit, unitUs: 0, period, endMs: null }])
  }

  rate(name: string, limit: number, windowUs: number): NonNullable<Takings['rates']>[number] {
    return {
      level: `key:${name}`,
      lease: this.#lease(name),
      slot: this.#slots.allocate(name, 1),
      limit,
      per: 'second',
      intervalUs: Math.ceil(windowUs / limit),
      burst: limit,
    }
  }

  seats(name: string, limit: number): NonNullable<Takings['concurrency']>[number] {
    const slot = this.#slots.allocate(name, concurrencyCells(SEATS))
    return { level: `key:${name}`, lease: this.#lease(name), slot, limit }
  }

  /** Takes all of it, waiting when that takes a while. */
  async take(takings: Takings): Promise<Refusal | null> {
    const { promise, resolve } = Promise.withResolvers<Refusal | null>()
    // The desk needs of a request only whether it has ended.
    const x = { settled: false } as Parameters<LeasedCounters['take']>[0]
    const outcome = this.counters.take(x, takings, (_, _taken, refusal) => resolve(refusal))
    const refusal = outcome === WAIT ? await promise : outcome
    this.#intents.clear() // as when the turn's entries are in the journal
    return refusal
  }

  #lease(name: string) {
    return { at: this.#slots.allocate(`lease:${name}`, LEASE_CELLS), name }
  }
}

export function takings(some: Partial<Takings>, amount = 1): Takings {
  const budgets = some.budgets ?? []
  const periods = budgets.map(({ per }) => periodOf(per, Date.now()))
  const tokens = budgets.length === 0 ? 0 : amount
  return { rates: null, concurrency: null, tokenRates: null, tokens, nanos: 0, owed: false, ...some, budgets, periods }
}

function createRegion(): Float64Array {
  return new Float64Array(new SharedArrayBuffer(8 * intentRegionCells(CAPACITY)))
}

async function makeParts(cells: BigInt64Array, state: Int32Array, states: string[], options: ReplicaOptions) {
  const { Lender, ClusterSession, CLUSTER_TIMES } = await loadLending()
  const notices: string[] = []
  const book = options.dir === undefined ? NO_BOOK : await openPeerBook(options.dir, options.cluster)
  const lender = new Lender({
    cells,
    remembered: (key) => book.heldOf(key),
    patienceMs: CLUSTER_TIMES.patienceMs,
    onLost: (error) => session.fail(error),
  })
  const session = new ClusterSession({
    address: { url: options.url, password: options.password ?? null, ca: options.ca ?? null },
    cluster: options.cluster,
    replica: options.ledger ?? options.name,
    name: options.name,
    process: randomUUID(),
    lender,
    book,
    onState: ({ state: is, reason }) => {
      states.push(reason === null ? is : `${is}: ${reason}`)
      Atomics.store(state, OPEN, is === 'open' ? 1 : 0)
    },
    onValid: (untilMs) => void Atomics.store(state, UNTIL, Math.floor(untilMs) | 0),
    onNotice: (_number, text) => void notices.push(text),
    onChanges: () => undefined,
  })
  return { lender, session, notices }
}

function portTo(lender: Lender): LeasePort {
  let hear: Parameters<LeasePort['on']>[1] = () => undefined
  return {
    postMessage: ({ call, needs }) => {
      void lender.admit(needs).then((answer) => hear({ call, answer }))
    },
    on: (_event, listener) => {
      hear = listener
    },
  }
}
