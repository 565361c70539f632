import type { ClientCertificate } from './listen/client-certificate.ts'
import type { TunnelEnd } from './phases.ts'

/**
 * The client's side of one request, whatever protocol carries it: the body as it arrives, the answer as it leaves.
 * Header lists are flat (name, value, name, value), names in lower case. Calls on a stream that has ended, or whose
 * client has left, do nothing.
 */
export interface ClientStream {
  /** The client's address; null once its connection is gone. */
  readonly address: string | null
  /** Name of the listener that took the connection. */
  readonly listener: string
  /** Whether the client's connection is encrypted. */
  readonly scheme: 'http' | 'https'
  /** What the client has proved to be; null when it was not asked, or showed nothing. */
  readonly certificate: ClientCertificate | null
  /** The head of the answer is on its way: only its body can follow. */
  readonly headSent: boolean
  /** Nothing more can be sent: the answer is complete, or the client has left. */
  readonly ended: boolean
  /** Bytes of the answer that the client has not taken yet. */
  readonly unsentBytes: number
  /** Hands the body over as it arrives; once per request. */
  readBody(sink: BodySink): void
  pauseBody(): void
  resumeBody(): void
  /** Asks for the body of a client that waits for it (`100 Continue`). */
  askForBody(): void
  /** A whole answer. `content-length` is added unless `headers` has it. */
  answer(status: number, headers: string[], body: Buffer | string): void
  /** The head of an answer whose body follows by `write` and `end`; it leaves with the first of them. */
  start(status: number, headers: string[]): void
  /** False when the client is slow: `onDrain` of the exchange tells when to go on. */
  write(bytes: Buffer): boolean
  /** Trailers (flat) leave where the protocol and the framing have a place for them; else they are dropped. */
  end(last: Buffer | null, trailers?: readonly string[] | null): void
  /** Ends the connection or stream in the middle, so that nobody takes what was sent for the whole. */
  cut(): void
  /** Switches to the protocol that the client asked for (`101`); null when that is not possible any more. */
  upgrade(headers: string[]): TunnelEnd | null
  /** The connection carries no request after this one. */
  closeAfterAnswer(): void
}

/** Takes a request body piece by piece; `bytes` may be kept, unless the sink says otherwise. */
export interface BodySink {
  /** The bytes may be lent: they are gone when the call returns. */
  readonly takesLent?: boolean
  onBody(bytes: Buffer): void
  /** `trailers` came behind the body: flat, names in lower case. They are no headers. */
  onBodyEnd(trailers?: readonly string[] | null): void
}
