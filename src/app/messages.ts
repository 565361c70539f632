/** What the control thread and its threads say to each other. */
import type { MessagePort } from 'node:worker_threads'
import type { ConfigDocument } from '../config/index.ts'
import type {
  ClusterState,
  KeyChange,
  KeyDocument,
  LevelChange,
  LevelDocument,
  ValueDocument,
  ValueName,
} from '../governance/index.ts'
import type { LogLevel, SeriesDescriptor } from '../observability/index.ts'
import type {
  AwaitedThing,
  DueThing,
  KeepingLimits,
  KeptContent,
  LookTimes,
  Released,
  UsageClaim,
} from '../storage/index.ts'
import type { ListenerPorts } from './listeners.ts'
import type { SharedMemory, WorkerMemory } from './memory.ts'
import type { SlotIndexes } from './route-slots.ts'

/** Start data of a data worker: all that its thread needs to load its code. */
export interface DataThreadStart {
  readonly role: 'data'
}

/** The first message to a data worker, which serves from then on. */
export interface DataWorkerStart {
  readonly worker: number
  readonly startMs: number
  readonly memory: SharedMemory
  readonly own: WorkerMemory
  readonly journalDirectory: string
  readonly ports: ListenerPorts
  /** Random; makes the keys of TLS session tickets. */
  readonly ticketSeed: Uint8Array
  readonly version: number
  readonly document: ConfigDocument
  readonly slots: SlotIndexes
  /** No two living workers have the same number. */
  readonly seat: { readonly number: number; readonly of: number }
  readonly pepper: string
  readonly reusePort: boolean
  readonly keys: readonly KeyDocument[]
  readonly levels: readonly LevelDocument[]
  /** Key changes arrive here, where they can be taken synchronously. */
  readonly keyPort: MessagePort
  /** Wakes the writer thread, and reaches the store of content there. */
  readonly writerPort: MessagePort
  /** Reaches the thread that borrows from shared counters; null: this gateway is alone. */
  readonly clusterPort: MessagePort | null
}

/** What a data worker says to the writer thread: null, there is something new in the journal. */
export type ToWriter = null | ContentCall | ClaimCall

/** A call of the store of content; `keep` is not answered. */
export type ContentCall =
  | {
      readonly method: 'keep'
      readonly tenant: string
      readonly content: KeptContent
      readonly limits: KeepingLimits
    }
  | { readonly method: 'chain' | 'remove'; readonly call: number; readonly tenant: string; readonly id: string }
  | { readonly method: 'under'; readonly call: number; readonly tenant: string; readonly parent: string }
  | { readonly method: 'holders'; readonly call: number; readonly tenant: string; readonly items: readonly string[] }

/** A call about claims of usage; only `claim` and `due` are answered. */
export type ClaimCall =
  | { readonly method: 'claim'; readonly call: number; readonly thing: string; readonly requestId: string }
  | { readonly method: 'told' | 'hold'; readonly thing: string; readonly requestId: string }
  | { readonly method: 'free' | 'giveUp'; readonly thing: string }
  | { readonly method: 'await'; readonly thing: AwaitedThing; readonly times: LookTimes }
  | { readonly method: 'due'; readonly call: number; readonly most: number; readonly times: LookTimes }

export type StoreAnswer =
  | { readonly call: number; readonly value: StoreValue }
  | { readonly call: number; readonly error: string }
  /** Said to whoever made that known: budgets in memory get it back. */
  | { readonly released: Released }

/** What the stores answer. */
export type StoreValue = readonly string[] | readonly DueThing[] | UsageClaim | boolean | null

/** Start data of a database thread. */
export interface DatabaseThreadStart {
  readonly role: 'writer' | 'reader'
  readonly dataDir: string
  readonly databaseUrl: string | null
  /** Null: records are kept for ever. */
  readonly retentionDays: number | null
  /** Rows of usage of a day that keep all that was said, when records go. */
  readonly usageRows: number
}

/** Start data of the thread that loads a configuration and ends. */
export interface ConfigThreadStart {
  readonly role: 'config'
  /** Null: no file; providers are looked for in the environment. */
  readonly path: string | null
}

/** Start data of the thread that borrows from the counters that replicas share. */
export interface ClusterThreadStart {
  readonly role: 'cluster'
  readonly url: string
  readonly password: string | null
  readonly caFile: string | null
  /** Where this replica remembers what it saw of others. */
  readonly dataDir: string
  readonly cluster: string
  /** The identity of the ledger, and what people call it. */
  readonly replica: string
  readonly name: string
  /** Of this start of the gateway. */
  readonly incarnation: string
  /** `SharedMemory.counters` and `SharedMemory.process`. */
  readonly counters: SharedArrayBuffer
  readonly process: SharedArrayBuffer
}

/** What that thread says unasked. */
export type ClusterNews =
  | { readonly kind: 'cluster-state'; readonly state: ClusterState }
  | { readonly kind: 'cluster-counts'; readonly counts: LendingCounts }
  | { readonly kind: 'cluster-notice'; readonly text: string }

/** Admissions for which what was borrowed did not suffice, and what came of them. */
export interface LendingCounts {
  readonly asked: number
  readonly refused: number
  readonly unavailable: number
}

export type ThreadStart = DataThreadStart | DatabaseThreadStart | ConfigThreadStart | ClusterThreadStart

export type ToWorker =
  | {
      readonly type: 'compile'
      readonly version: number
      readonly document: ConfigDocument
      readonly slots: SlotIndexes
    }
  | { readonly type: 'discard'; readonly version: number }
  /** Stop accepting, finish what is in flight within the grace, then end. */
  | { readonly type: 'leave'; readonly graceMs: number; readonly reason: 'replacement' | 'shutdown' }
  | { readonly type: 'reopen-logs' }
  /** The writer thread is a new one: wake it through this port. */
  | { readonly type: 'writer-port'; readonly port: MessagePort }
  /** The thread that borrows is a new one. */
  | { readonly type: 'cluster-port'; readonly port: MessagePort }

export type FromWorker =
  | { readonly type: 'listening'; readonly ports: ListenerPorts }
  | { readonly type: 'compiled'; readonly version: number }
  | { readonly type: 'refused'; readonly version: number; readonly message: string }
  /** Every request has ended that began before the keys of this epoch were taken. */
  | { readonly type: 'quiet'; readonly epoch: number }
  | { readonly type: 'series'; readonly series: SeriesDescriptor }
  /** It needs the counters of a value; a ValueAnswer follows. */
  | { readonly type: 'value'; readonly name: ValueName }
  | {
      readonly type: 'log'
      readonly level: LogLevel
      readonly message: string
      readonly fields: Record<string, unknown>
    }

/** What a data worker may get of a value's counters: `gone` when no rule is for it any more. */
export type ValueRefusal = 'gone' | 'full' | 'unavailable'

/** The counters of a value, or why there are none. Comes in the order of changes, which may take them away again. */
export interface ValueAnswer {
  readonly value: ValueName
  readonly document: ValueDocument | null
  readonly refusal: ValueRefusal | null
}

/** A change of keys and levels, and the plan that comes in force with it. */
export interface KeyMessage {
  readonly levels: readonly LevelChange[]
  readonly changes: readonly KeyChange[]
  /** Values that are out of use: their counters are given back. Absent: none. */
  readonly dropped?: readonly ValueName[] | undefined
  /** Counts the changes of keys, from 1. */
  readonly epoch: number
  /** Version of a plan that was compiled before; null: the plan stays. */
  readonly swap: number | null
}
