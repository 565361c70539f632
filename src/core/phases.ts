/**
 * THE list: what happens to a request, in which order, and what may take part. A route holds its hooks prepared;
 * `null` means nothing to do. `handle.ts` walks this list and nothing else does.
 */
import type { Failure } from './balance/outcome.ts'
import type { ErrorCode, GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Timeouts } from './upstream/timeouts.ts'

export const PHASES = ['match', 'identify', 'admit', 'read', 'inspect', 'attempt', 'respond', 'settle'] as const
export type Phase = (typeof PHASES)[number]

/** A hook that may end the request: null goes on, an error is rendered to the client. */
export type Hook = (x: Exchange) => GatewayError | null

/** What a gate answers that does not know yet: `resume` of `handle.ts` says later how it goes on. */
export const WAIT = Symbol('wait')

/** A hook that may have to ask somebody: it answers WAIT then. */
export type Gate = (x: Exchange) => GatewayError | typeof WAIT | null

/** Takes what the attempt may cost and makes it durable; calls `proceed(x, error)` of `begin-attempt.ts` when it is known. */
export type ReserveHook = (x: Exchange, candidate: Candidate) => void

/**
 * Sees an attempt end that another one follows, before that begins: because of a failure, or (null) of the status of its
 * answer.
 */
export type GiveWayHook = (x: Exchange, failure: Failure | null) => void

/**
 * Sees that of the request and its double only one goes on, when the attempt of the other has given way: from then on both are
 * one, also in what they have used.
 */
export type JoinHook = (goesOn: Exchange, other: Exchange) => void

/** Sees the request end, exactly once. Must not throw. */
export type SettleHook = (x: Exchange) => void

/** One way to serve a request upstream: prepared when the plan is compiled. */
export interface Candidate {
  readonly name: string
  readonly upstream: Upstream
  /** Makes the upstream request from the exchange. What it throws ends the request. */
  encode(x: Exchange): UpstreamRequest
  /** A new observer of this attempt's answer. */
  open(x: Exchange): AnswerTap
}

/** A server behind the gateway: its connections and deadlines. */
export interface Upstream {
  readonly name: string
  readonly origin: string
  readonly transport: Transport
  readonly timeouts: Timeouts
}

/** Something that can dispatch a request: real connections, or an upstream inside the process. */
export interface Transport {
  /** Returns false when no more requests are taken (saturated). */
  dispatch(request: UpstreamRequest, handler: ResponseHandler): boolean
  close(): Promise<void>
}

export interface UpstreamRequest {
  readonly method: string
  readonly path: string
  /** Value of the Host header; absent or null: the upstream's own. */
  readonly host?: string | null
  /** Header lines made beforehand by `headerLines`, e.g. when the plan was compiled. */
  readonly fixed?: string
  /** Flat: name, value, name, value. Texts that a parser or `headerLines` has checked. */
  readonly headers: readonly string[]
  readonly body: Buffer | null
  /** The body once more, as pieces: for transports that can write them without joining them as `body` does. */
  readonly pieces?: readonly Buffer[] | null
  /** Whoever reads the client's body reads it here: its memory may serve another request when this one has ended. */
  readonly freesBody?: boolean
  /** A body that follows piece by piece; `body` is then null. */
  readonly source?: BodySource | null
  /** Trailers of the answer are wanted. */
  readonly takesTrailers?: boolean
  /** The protocol that the client asks to switch to; its bytes follow when the upstream agrees. */
  readonly upgrade?: string | null
  /** How long a connection may take that is made for it; absent: as the transport was told. */
  readonly connectTimeoutMs?: number
  /** Which of several ways to the upstream it takes, where a transport has them; absent: as that likes. */
  readonly lane?: number | undefined
}

/** A request body that is handed over as it arrives. */
export interface BodySource {
  /** Bytes in all; -1 when nobody knows: it goes out in chunks. */
  readonly length: number
  /** The upstream is connected and has the head: bytes go to `writer` from now on, from the first one. */
  open(writer: BodyWriter): void
  /** The writer takes more. */
  onDrain(): void
}

export interface BodyWriter {
  /**
   * False when the upstream is slow: `onDrain` tells when to go on. `memory` is of `takeMemory`, and belongs to the writer
   * from now on.
   */
  write(bytes: Buffer, memory?: Buffer): boolean
  /** Trailers (flat) leave where the framing has a place for them. */
  end(trailers?: readonly string[] | null): void
}

/** One side of a connection that carries bytes of another protocol. */
export interface TunnelEnd {
  /** What arrives goes to `peer`, from the first byte; bytes may be kept. */
  join(peer: TunnelPeer): void
  /** False when the side is slow: `onDrain` of its peer tells when to go on. */
  write(bytes: Buffer): boolean
  end(): void
  pause(): void
  resume(): void
  destroy(): void
}

/** What hears one end of a tunnel. */
export interface TunnelPeer {
  onBytes(bytes: Buffer): void
  /** The side sends no more. */
  onEnd(): void
  onDrain(): void
  /** The side's connection is gone. */
  onClose(): void
}

/** What a transport calls while it works; each exchange ends with exactly one of the last two. */
export interface ResponseHandler {
  onRequestStart(controller: DispatchController, context: unknown): void
  /** The transport has no use for the request's body any more. A transport that cannot tell does not. */
  onRequestSent?(): void
  onResponseStart(
    controller: DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    statusText?: string,
  ): void
  onResponseData(controller: DispatchController, chunk: Buffer): void
  /** In place of `onResponseData` for a piece whose answer is complete: `onResponseEnd` follows within the same call. */
  onResponseLast?(controller: DispatchController, chunk: Buffer): void
  /** `trailers` came behind the body: flat, names in lower case; null for none. */
  onResponseEnd(controller: DispatchController, trailers: readonly string[] | null): void
  /** The upstream has switched to the protocol that was asked for; absent: nobody asked. */
  onUpgrade?(controller: DispatchController, headers: AnswerHeaders, end: TunnelEnd): void
  onResponseError(controller: DispatchController, error: Error): void
}

export interface DispatchController {
  pause(): void
  resume(): void
  abort(reason: Error): void
}

/** Headers of an upstream's answer, names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

/** What to do with an answer once its head is known. */
export type AnswerPlan =
  /** Collect up to the buffer limit, then `complete` decides. */
  | 'buffer'
  /** Forward what `push` gives as it comes; the head waits for the first of it. */
  | 'stream'
  /** The same, but a client that waits for the head alone gets it soon. */
  | 'relay'

/** What a client gets while nothing else comes, so that nobody between takes its connection for dead. */
export interface Heartbeat {
  /** Milliseconds without a byte to the client. */
  readonly everyMs: number
  /** Stands between two pieces of the answer without meaning anything. */
  readonly bytes: Buffer
}

/**
 * Watches, and where needed edits, the bytes of one answer. Called synchronously in the order
 * start, push*, then complete | end | fail.
 */
export interface AnswerTap {
  /** The head arrived. An error ends the attempt. */
  start(status: number, headers: AnswerHeaders): AnswerPlan | GatewayError
  /** The whole body of a buffered answer: gives the bytes to send, or an error. */
  complete(body: Buffer): Buffer | GatewayError
  /** A piece of a streamed answer: gives the bytes to forward now, null for none, or an error. */
  push(chunk: Buffer): Buffer | GatewayError | null
  /** The upstream ended a streamed answer properly: gives last bytes, null for none, or an error when it was cut short. */
  end(): Buffer | GatewayError | null
  /** True as long as the events of a stream that were pushed say nothing of the answer itself; absent: never. */
  readonly silent?: boolean
  /** For a stream whose pieces are given whole; null or absent: none. */
  readonly heartbeat?: Heartbeat | null
  /** Headers for the client (flat), from the upstream's. `body` is the whole body when it is known. */
  headers(headers: AnswerHeaders, body: Buffer | null): string[]
  /** Trailers for the client, from the upstream's (flat), of a streamed answer; absent: none. */
  trailers?(trailers: readonly string[]): readonly string[] | null
  /** Watches a connection whose protocol was switched; absent: nobody does, and only the upstream's idle time ends it. */
  watchTunnel?(): TunnelWatch
}

/** Sees the bytes of a switched connection go by, and says how long it may last. */
export interface TunnelWatch {
  readonly idleMs: number
  readonly totalMs: number
  /** Bytes on their way to the client; an error ends both sides. */
  onUpstreamBytes(bytes: Buffer): GatewayError | null
  /** Last bytes for the client of a connection that ends for this; null for none. */
  farewell(error: GatewayError): Buffer | null
}

/** A route after the plan is compiled. */
export interface Route {
  readonly name: string
  /** Of a prefix: the route that serves this path below it in place of it; null: it does so itself. */
  readonly within?: (path: string) => Route | null
  /** What is behind it and who may reach that, where no rewrite of another route may lead. */
  readonly guard?: RouteGuard | null
  readonly identify: Gate | null
  readonly admit: readonly Gate[] | null
  /** The load level of the thread from which on requests are refused; absent: 2 (overloaded). */
  readonly shedFrom?: number
  /** Largest body in bytes, or -1 when the route takes none and the body is not read. */
  readonly bodyLimit: number
  /** Bodies that are longer than this, or of unknown length, are not read before `inspect`: it sees to them. */
  readonly relayAbove?: number
  /** Until a body has arrived, milliseconds, without the time in which nobody takes it; absent or null: the listener's. */
  readonly bodyTotalMs?: number | null
  /** Whether a body may be compressed: `refuse` unless it is passed on as it is. */
  readonly encodedBody?: 'refuse' | 'pass'
  /**
   * Ends the request itself (`answer`), leaves candidates in `x.candidates`, or one who names them in `x.attempting`. One that
   * waited is asked again.
   */
  readonly inspect: Gate | null
  readonly reserve: ReserveHook | null
  /** Ends what `reserve` took, for an attempt that is not the last; absent: nothing is held. */
  readonly giveWay?: GiveWayHook | null
  /** For routes whose requests may have doubles; absent: nothing is held. */
  readonly join?: JoinHook | null
  /** What the route's dialect calls an error: the one name of it for clients, records, logs and metrics. */
  readonly codeName: (code: ErrorCode) => string
  /** Renders an error as a whole answer: body bytes and content type, in the client's dialect. */
  readonly renderError: (x: Exchange, error: GatewayError) => RenderedError
  /** Renders an error into an answer that has begun; null when the dialect has no way: the connection is cut. */
  readonly renderStreamError: ((x: Exchange, error: GatewayError) => Buffer) | null
  readonly settle: readonly SettleHook[] | null
  /** Changes the header list of every answer, errors included, just before it leaves. */
  readonly editAnswer?: ((x: Exchange, status: number, headers: string[]) => void) | null
}

export interface RouteGuard {
  /** Names what answers behind the route; null: the route refuses, whatever might answer. */
  readonly place: string | null
  /** Names who may; equal for routes that ask for the same. */
  readonly who: string
}

export interface RenderedError {
  readonly body: Buffer
  readonly contentType: string
  /** In place of the error's own, where the client's dialect has another. */
  readonly status?: number
  /** More headers of the dialect, flat. */
  readonly headers?: readonly string[]
  /** `none`: no `x-should-retry`, which only clients of an API heed. */
  readonly hints?: 'none'
}
