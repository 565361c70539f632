import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2'
import { asError } from '../../lib/index.ts'
import { trailerFields } from '../http2/trailer-fields.ts'
import type { BodyWriter, DispatchController, ResponseHandler, UpstreamRequest } from '../phases.ts'
import type { Http2Client } from './http2-client.ts'
import { answerHeaders } from './http2-headers.ts'
import { TransportError } from './transport-error.ts'

/** Codes of RST_STREAM (RFC 9113, 7). */
const PROTOCOL_ERROR = 1
const REFUSED_STREAM = 7
const CANCEL = 8

/** One request on a connection of HTTP/2. */
export class Http2Call implements DispatchController, BodyWriter {
  readonly request: UpstreamRequest
  readonly handler: ResponseHandler
  readonly #client: Http2Client
  #stream: ClientHttp2Stream | null = null
  /** The handler has heard the end. */
  #over = false
  #answered = false
  /** The upstream has ended the answer, and not only the stream. */
  #whole = false
  #paused = false
  #trailers: readonly string[] | null = null
  /** Those of the request. */
  #sent: OutgoingHttpHeaders = {}

  constructor(client: Http2Client, request: UpstreamRequest, handler: ResponseHandler) {
    this.#client = client
    this.request = request
    this.handler = handler
  }

  get over(): boolean {
    return this.#over
  }

  /** Sends the request. */
  begin(session: ClientHttp2Session, list: string[]): void {
    if (!this.#guarded(() => this.handler.onRequestStart(this, null))) return
    // The handler may have given up on hearing that the connection stands.
    if (this.#over) return this.#client.released(this)
    const { body, source = null } = this.request
    const hasBody = source !== null || (body !== null && body.length > 0)
    let stream: ClientHttp2Stream
    try {
      stream = session.request(list, { endStream: !hasBody, waitForTrailers: source !== null })
    } catch (error) {
      this.#client.released(this)
      return this.fail(asError(error))
    }
    this.#stream = stream
    this.#listen(stream)
    if (source !== null) {
      stream.on('drain', () => source.onDrain())
      // Everything before them has left.
      stream.on('wantTrailers', () => {
        if (!stream.closed && !stream.destroyed) stream.sendTrailers(this.#sent)
      })
      this.#guarded(() => source.open(this))
    } else if (hasBody) stream.end(body)
  }

  pause(): void {
    this.#paused = true
    this.#stream?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#stream?.resume()
  }

  write(bytes: Buffer): boolean {
    const stream = this.#stream
    return this.#over || stream === null || stream.closed || bytes.length === 0 || stream.write(bytes)
  }

  end(trailers: readonly string[] | null = null): void {
    if (this.#over || this.#stream?.closed !== false) return
    if (trailers !== null) this.#sent = trailerFields(trailers)
    this.#stream.end()
  }

  /** Gives the answer up: the stream is reset at once, the connection goes on. */
  abort(reason: Error): void {
    if (this.#over) return
    this.#reset()
    if (!this.#answered) this.#client.suspect()
    this.fail(reason)
  }

  fail(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#reset()
    if (this.#stream === null) this.#client.released(this)
    this.handler.onResponseError(this, error)
  }

  #listen(stream: ClientHttp2Stream): void {
    // Node ends what can be read in the same way when an answer is complete and when a stream is reset without an error
    // code; only here they differ (seen with 26.10).
    const push = stream.push.bind(stream)
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !stream.closed && !stream.destroyed) this.#whole = true
      return push(chunk, encoding)
    }
    stream.on('response', (headers, _flags, list) => {
      this.#answered = true
      this.#client.heard()
      this.#guarded(() => this.handler.onResponseStart(this, headers[':status'] ?? 0, answerHeaders(list)))
      if (this.#paused) stream.pause()
    })
    stream.on('data', (bytes: Buffer) => {
      if (!this.#over) this.#guarded(() => this.handler.onResponseData(this, bytes))
    })
    stream.on('trailers', (_trailers, _flags, list) => {
      this.#trailers = list
    })
    stream.on('end', () => {
      if (this.#whole) this.#complete(stream)
    })
    stream.on('error', (error) => this.fail(this.#faultOf(stream, error)))
    stream.on('close', () => {
      this.#client.released(this)
      this.fail(this.#faultOf(stream, null))
    })
  }

  #complete(stream: ClientHttp2Stream): void {
    if (this.#over) return
    this.#over = true
    this.#client.served++
    // The upstream has answered without the rest of the body.
    if (!stream.writableEnded) this.#reset()
    this.handler.onResponseEnd(this, this.#trailers)
  }

  /** False when the call failed by what was thrown. */
  #guarded(work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      this.fail(asError(error))
      return false
    }
  }

  /**
   * A request that is not complete is not reset by `close(code)`: Node would end it first, and the upstream take it for
   * the whole (seen with 26.10).
   */
  #reset(): void {
    const stream = this.#stream
    if (stream === null || stream.closed) return
    if (stream.writableEnded) stream.close(CANCEL)
    else stream.destroy(new Error('the request was given up'))
  }

  #faultOf(stream: ClientHttp2Stream, error: Error | null): Error {
    const { rstCode, id } = stream
    if (rstCode === REFUSED_STREAM || id === undefined || id > this.#client.lastStreamId) {
      return new TransportError('refused_stream', 'The upstream has not looked at the request.')
    }
    if (rstCode === PROTOCOL_ERROR) return new TransportError('invalid_answer', 'The answer is not valid HTTP/2.')
    return this.#client.lossOf(this.#answered) ?? error ?? closed(rstCode ?? 0)
  }
}

function closed(code: number): TransportError {
  return new TransportError('connection_closed', `The upstream reset the stream (code ${code}).`)
}
