import type { ClientCertificate } from './client-certificate.ts'

/** Where a connection came in, and what is known of its other end before it speaks HTTP. */
export interface Door {
  readonly listener: string
  readonly scheme: 'http' | 'https'
  /** The client's address as a trusted proxy told it; absent: the address of the socket. */
  readonly address?: string | null
  readonly certificate?: ClientCertificate | null
}

/** How long clients may take, in milliseconds. */
export interface ConnectionTimeouts {
  /** The whole head must arrive within this time. */
  readonly headerTimeoutMs: number
  /** The whole request, body included, must arrive within this time, where its route names no other. */
  readonly requestTimeoutMs: number
  readonly keepAliveMs: number
  /** A client that takes nothing of an answer that waits for it is given up after this time. */
  readonly answerIdleMs: number
}

/** A connection, or one that is being made, as its listener looks after it. */
export interface Connection {
  /** True while no request is under way or arriving. */
  readonly idle: boolean
  /** Since when, in milliseconds; absent: from the start. */
  readonly idleSince?: number
  /** Looks whether the client has taken too long; called every second or so. */
  sweep(now: number, timeouts: ConnectionTimeouts): void
  /** Tells the client that no request is taken any more, where the protocol has words for it. */
  leave?(): void
  destroy(): void
}
