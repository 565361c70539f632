/**
 * The counters of a cluster as one replica reaches them: what the scripts of `scripts.ts` do, with names and types. It decides
 * nothing; `governance/cluster/lender.ts` does.
 */
import { randomUUID } from 'node:crypto'
import { type RedisAddress, RedisConnection, type ServerFacts, type StoreFailure } from './connection.ts'
import { BEAT, DONE, HOLDINGS, JOIN, LEAVE, NOTICE, PUBLISH, SYNC, TAKE } from './scripts.ts'

/** Kinds of counters, by how they come back: with the period, with the end of a request, or with time. */
export type CounterKind = 'budget' | 'concurrency' | 'rate'

/** One counter of the store. */
export interface StoreCounter {
  readonly kind: CounterKind
  /** Its name among all counters; of a budget with the period. */
  readonly name: string
  /** Of a rate: units that may come at once. */
  readonly limit: number
  /** Of a rate: microseconds after which one unit comes back. */
  readonly unitUs: number
  /** How long it is kept when nobody uses it. */
  readonly ttlMs: number
}

export interface Taking {
  readonly counter: StoreCounter
  /** At least so much the store has as held by this replica, unless it has lost the counter. */
  readonly told: number
  /** At least so much, or nothing at all of any counter. */
  readonly need: number
  /** So much more, if the limit is far away. */
  readonly want: number
}

export type Taken =
  | { readonly type: 'taken'; readonly grants: readonly Grant[] }
  | {
      readonly type: 'refused'
      /** Position of the counter that has no room. */
      readonly at: number
      /** Of a rate: microseconds until there would be room. */
      readonly waitUs: number
      /** What others have borrowed of it and not used; they were asked to give it back. */
      readonly lent: number
      /** What others have neither spent nor told to be unused; they were asked to tell. */
      readonly inUse: number
    }

export interface Grant {
  readonly amount: number
  /** What nobody holds of it now. */
  readonly room: number
}

/** What a replica holds of a counter. */
export interface Publication {
  readonly counter: StoreCounter
  /** Null: it is only said what others have. */
  readonly held: number | null
  readonly idle: number
  /** Of a budget: what its ledger has of it, which another process of this replica must not know less of. */
  readonly spent: number
  /** Of a rate: microseconds by which it was last seen to run ahead. */
  readonly aheadUs: number
  /** What others were last seen to hold: counts for those that are not there to say it. */
  readonly peers: ReadonlyMap<string, number>
  /** What others have spent by a ledger that all write: counts for all that have not said more. */
  readonly shares: ReadonlyMap<string, number>
}

export interface Change {
  readonly counter: StoreCounter
  /** As of a taking, before this change. */
  readonly told: number
  /** How much more (or, negative, less) is held. */
  readonly change: number
  readonly idle: number
  /** Units of a rate that come back (or, negative, that were used without being taken). */
  readonly back: number
  /** As of a publication. */
  readonly spent: number
}

/** What the store has of a budget: what all hold, once as their sum and once one by one, and what this replica uses of it. */
export interface CounterAccount {
  readonly sum: number
  readonly parts: number
  readonly own: number
}

export interface Beat {
  readonly changes: number
  /** Another when the store has lost its notices, and counts them from the beginning. */
  readonly log: string
  readonly replicas: readonly string[]
}

/** The store does not know this replica's session or epoch any more: all must be said anew. */
export class SessionLost extends Error {
  override readonly name = 'SessionLost'
}

/** Another process is what this one says that it is: it must not count in its place. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken'
}

export interface CounterStoreOptions {
  readonly address: RedisAddress
  /** Name of the cluster: several may share a server. */
  readonly cluster: string
  /** By the identity of its ledger: what it has spent is its own. */
  readonly replica: string
  /** For people. */
  readonly name: string
  /** Of the replica: another after each start. */
  readonly process: string
  readonly answerMs: number
  /** A replica that was not seen for so long is dead. */
  readonly deadAfterMs: number
  readonly onFailure: (failure: StoreFailure) => void
  /** Somebody needs what is borrowed of the counter of this name. */
  readonly onRecall: (name: string) => void
  readonly onNotice: (number: number, text: string) => void
}

const NOTICES_KEPT = 1_000
/** A process that has not shown itself for so long may have its place taken by another: it does so ten times a second. */
const GONE_MS = 2_000

/** One session with the store. */
export class CounterStore {
  readonly #options: CounterStoreOptions
  readonly #prefix: string
  readonly #connection: RedisConnection
  readonly #session = randomUUID()
  readonly facts: ServerFacts
  #epoch = ''
  #previous = ''

  private constructor(options: CounterStoreOptions, connection: RedisConnection, facts: ServerFacts) {
    this.#options = options
    this.#prefix = prefixOf(options.cluster)
    this.#connection = connection
    this.facts = facts
  }

  /** Connects. Rejects with a StoreFailure. */
  static async open(options: CounterStoreOptions): Promise<CounterStore> {
    const { address, answerMs, onFailure, cluster } = options
    const prefix = prefixOf(cluster)
    const connection = await RedisConnection.open(address, {
      channel: `${prefix}news`,
      answerMs,
      onFailure,
      onMessage: (text) => hear(text, prefix, options),
    })
    try {
      return new CounterStore(options, connection, await connection.facts())
    } catch (error) {
      connection.close()
      throw error
    }
  }

  get epoch(): string {
    return this.#epoch
  }

  /** Begins the session. `peers` are the replicas that were last seen alive; answers whether all must be published anew. */
  async join(peers: Iterable<string>): Promise<'open' | 'rebuilding'> {
    const { replica, process, name, deadAfterMs } = this.#options
    const keys = ['meta', 'members', 'known', 'expected', 'done'].map((key) => this.#key(key))
    const own = [replica, this.#session, this.facts.run, process, name, GONE_MS, deadAfterMs]
    const [epoch, state, previous] = await this.#connection.run(JOIN, keys, [randomUUID(), ...own, ...peers])
    if (epoch === 'taken') throw new NameTaken(state === 'name' ? nameTaken(name) : ledgerTaken(name))
    this.#epoch = String(epoch)
    this.#previous = String(previous)
    return state === 'open' ? 'open' : 'rebuilding'
  }

  async publish(publications: readonly Publication[]): Promise<void> {
    const keys = publications.flatMap(({ counter }) => [this.#counterKey(counter), this.#oldKey(counter)])
    const args = publications.flatMap(({ counter, held, idle, spent, aheadUs, peers, shares }) => [
      counter.kind,
      held ?? '',
      idle,
      Math.ceil(aheadUs),
      counter.unitUs,
      counter.ttlMs,
      spent,
      peers.size + shares.size,
      ...[...peers].flat(),
      ...[...shares].flatMap(([replica, amount]) => [`=${replica}`, amount]),
    ])
    await this.#run(PUBLISH, keys, args)
  }

  /** Everything is published; true when the epoch is open. */
  async done(): Promise<boolean> {
    const keys = [this.#key('expected'), this.#key('done')]
    const answer = await this.#run(DONE, keys, [this.#options.deadAfterMs])
    return answer[0] === 'ok'
  }

  async take(takings: readonly Taking[], replicas: number): Promise<Taken> {
    const keys = takings.map(({ counter }) => this.#counterKey(counter))
    const args = takings.flatMap(({ counter, told, need, want }) => [
      counter.kind,
      told,
      need,
      want,
      counter.limit,
      counter.unitUs,
      counter.ttlMs,
    ])
    const channel = `${this.#prefix}news`
    const answer = await this.#run(TAKE, keys, [replicas, this.#options.deadAfterMs, channel, ...args])
    if (answer[0] === 'no') {
      const [at, waitUs, lent, inUse] = answer.slice(1).map(Number) as [number, number, number, number] // the script's
      return { type: 'refused', at, waitUs, lent, inUse }
    }
    const grants = takings.map((_, at) => ({ amount: Number(answer[1 + at * 2]), room: Number(answer[2 + at * 2]) }))
    return { type: 'taken', grants }
  }

  /** Answers, for each, what all hold together; of a rate the microseconds by which it runs ahead. */
  async sync(changes: readonly Change[]): Promise<readonly number[]> {
    const keys = changes.map(({ counter }) => this.#counterKey(counter))
    const args = changes.flatMap(({ counter, told, change, idle, back, spent }) => [
      counter.kind,
      told,
      change,
      idle,
      back,
      counter.unitUs,
      counter.ttlMs,
      spent,
    ])
    const answer = await this.#run(SYNC, keys, args)
    return answer.slice(1).map(Number)
  }

  async beat(): Promise<Beat> {
    const [, changes, log, ...replicas] = await this.#run(BEAT, [], [this.#options.deadAfterMs])
    return { changes: Number(changes), log: String(log), replicas: replicas.map(String) }
  }

  /** What other replicas hold of these counters, in their order. */
  async holdings(counters: readonly StoreCounter[]): Promise<readonly ReadonlyMap<string, number>[]> {
    const keys = counters.map((counter) => this.#counterKey(counter))
    const answer = await this.#connection.run(HOLDINGS, keys, [])
    return answer.map((fields) => this.#othersIn(Array.isArray(fields) ? fields.map(String) : []))
  }

  /** What these counters have, in their order. */
  async accounts(counters: readonly StoreCounter[]): Promise<readonly CounterAccount[]> {
    const answer = await this.#connection.run(
      HOLDINGS,
      counters.map((counter) => this.#counterKey(counter)),
      [],
    )
    const { replica } = this.#options
    return answer.map((list) => {
      const fields = Array.isArray(list) ? list.map(String) : []
      const of = new Map<string, number>()
      for (let at = 0; at + 1 < fields.length; at += 2) of.set(String(fields[at]), Number(fields[at + 1]))
      const parts = [...of].reduce((sum, [field, held]) => (isHolder(field) ? sum + held : sum), 0)
      return { sum: of.get('#') ?? 0, parts, own: (of.get(replica) ?? 0) - (of.get(`~${replica}`) ?? 0) }
    })
  }

  /** What the server says of itself now. */
  async look(): Promise<ServerFacts> {
    return await this.#connection.facts()
  }

  async leave(): Promise<void> {
    await this.#run(LEAVE, [], [this.#options.name])
  }

  /** Tells every replica, this one too. */
  async tell(text: string): Promise<void> {
    const keys = [this.#key('meta'), this.#key('notices')]
    await this.#connection.run(NOTICE, keys, [`${this.#prefix}news`, text, NOTICES_KEPT])
  }

  /** Notices that are still kept, by their numbers. */
  async notices(): Promise<readonly (readonly [number: number, text: string])[]> {
    const lines = await this.#connection.list(this.#key('notices'))
    return lines.map((line) => numbered(line))
  }

  close(): void {
    this.#connection.close()
  }

  async #run(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<readonly unknown[]> {
    const all = [this.#key('meta'), this.#key('members'), this.#key('known'), ...keys]
    const { replica } = this.#options
    const answer = await this.#connection.run(script, all, [this.#epoch, replica, this.#session, ...args])
    const [status] = answer
    if (status === 'epoch' || status === 'session') throw new SessionLost(`the store has another ${status}`)
    if (status === 'rebuilding' && script !== DONE) throw new SessionLost('the store is being rebuilt')
    return answer
  }

  #othersIn(fields: readonly string[]): Map<string, number> {
    const held = new Map<string, number>()
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const [field = '', value] = fields.slice(at, at + 2)
      if (isHolder(field) && field !== this.#options.replica) held.set(field, Number(value))
    }
    return held
  }

  #key(name: string): string {
    return this.#prefix + name
  }

  #counterKey({ name }: StoreCounter): string {
    return `${this.#prefix}${this.#epoch}:${name}`
  }

  #oldKey(counter: StoreCounter): string {
    return this.#previous === '' ? this.#counterKey(counter) : `${this.#prefix}${this.#previous}:${counter.name}`
  }
}

/** Whether a field of a counter is what somebody holds, see the scripts. */
function isHolder(field: string): boolean {
  return field.length > 1 && !/^[~$]/.test(field)
}

function nameTaken(name: string): string {
  return `another live replica is called ${name}; give each a cluster.replica of its own, or none`
}

function ledgerTaken(name: string): string {
  return `another live gateway has the ledger identity of ${name} (replica-id in data_dir); give each a data_dir of its own, and copy none`
}

function prefixOf(cluster: string): string {
  return `ferro:{${cluster}}:`
}

/** `recall <key>` or `notice <number> <text>`. */
function hear(text: string, prefix: string, { onRecall, onNotice }: CounterStoreOptions): void {
  if (text.startsWith('recall ')) {
    const key = text.slice('recall '.length + prefix.length)
    onRecall(key.slice(key.indexOf(':') + 1))
  } else if (text.startsWith('notice ')) {
    const [number, what] = numbered(text.slice('notice '.length))
    onNotice(number, what)
  }
}

function numbered(line: string): readonly [number, string] {
  const at = line.indexOf(' ')
  return [Number(line.slice(0, at)), line.slice(at + 1)]
}
