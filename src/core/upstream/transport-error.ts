/** What can go wrong between a dispatch and the end of its answer, beside what the system says (ECONNREFUSED…). */
export type TransportFault =
  /** No connection within the connect deadline. */
  | 'connect_timeout'
  /** The upstream closed the connection before the answer was complete. */
  | 'connection_closed'
  /** A connection that had served before was closed before any byte of an answer: it was about to be closed anyway. */
  | 'stale_connection'
  /** What the upstream sent is not an HTTP/1.1 answer, or one that can be read in two ways. */
  | 'invalid_answer'
  /** The upstream says, by REFUSED_STREAM or GOAWAY, that it has not looked at the request (RFC 9113, 8.7). */
  | 'refused_stream'
  /** The upstream does not speak HTTP/2; nothing was sent. */
  | 'no_http2'
  /** The protocol cannot be switched on this kind of connection; nothing was sent. */
  | 'no_upgrade'
  /** The policy lets no connection go there; nothing was sent. */
  | 'egress_denied'
  /** Too many names are being resolved at once. */
  | 'resolver_busy'
  /** The pool is closed. */
  | 'pool_closed'

/** A fault of the transport; `code` is one of TransportFault. */
export class TransportError extends Error {
  readonly code: TransportFault

  constructor(code: TransportFault, message: string) {
    super(message)
    this.name = 'TransportError'
    this.code = code
  }
}
