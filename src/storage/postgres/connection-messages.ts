import type { MessagePort } from 'node:worker_threads'
import type { PostgresTarget } from './url.ts'

/** What a connection is for. */
export interface ConnectionUse {
  /** Nothing may be written through it. */
  readonly readOnly: boolean
  /** Longest that one statement may run, on the server. */
  readonly statementMs: number
  /** Longest that it may wait for a lock. */
  readonly lockMs: number
  /** Channels whose notices are passed on. */
  readonly listen: readonly string[]
  /** Whose charges are written through it; null: nobody's. */
  readonly instance: string | null
}

/** Start data of the thread that holds the connection. */
export interface ConnectionStart {
  readonly target: PostgresTarget
  readonly use: ConnectionUse
  readonly calls: MessagePort
  /** Its first cell counts the answers: who waits sleeps on it. */
  readonly answered: Int32Array
}

export type ConnectionValue = null | boolean | number | string | Uint8Array | readonly (string | number | null)[]

/** One statement. */
export interface ConnectionCall {
  readonly id: number
  /** The session in which its transaction began: on another one it must not be run. Null outside of transactions. */
  readonly session: number | null
  readonly sql: string
  readonly values: readonly ConnectionValue[]
}

/** What came of it. */
export type ConnectionAnswer =
  | {
      readonly id: number
      /** Counts the connections that were made. */
      readonly session: number
      readonly rows: Record<string, unknown>[]
      readonly changes: number
      /** The server's word for what was done: `COMMIT`, `INSERT`. */
      readonly command: string
    }
  | { readonly id: number; readonly failure: ConnectionFailure }

export interface ConnectionFailure {
  readonly message: string
  /** SQLSTATE, or null when the server did not say anything. */
  readonly sqlState: string | null
  /** The connection is gone, and what was begun on it rolled back. */
  readonly isLost: boolean
}

/** A notice of another connection. */
export interface Notice {
  readonly channel: string
  readonly text: string
}
