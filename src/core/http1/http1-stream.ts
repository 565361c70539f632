import type { BodySink, ClientStream } from '../client-stream.ts'
import type { Exchange } from '../exchange.ts'
import type { ClientCertificate } from '../listen/client-certificate.ts'
import type { TunnelEnd } from '../phases.ts'
import { headerLines } from '../upstream/header-lines.ts'
import { type AnswerText, answerText } from './answer-text.ts'
import type { Http1Connection } from './http1-connection.ts'
import type { RequestHead } from './request-head.ts'

/** Up to this size bytes are joined with what frames them and leave as one text: cheaper than a gathering write. */
const ONE_WRITE_LIMIT = 16_384
const LAST_CHUNK = '0\r\n\r\n'
/** The status of a request whose body stopped arriving. */
const TOO_LATE = 408

/** How the body of the answer is framed. */
type Framing = 'chunked' | 'plain' | 'none'

const text: AnswerText = { lines: '', hasLength: false, length: -1 }

/** One request on an HTTP/1.1 connection. */
export class Http1Stream implements ClientStream {
  /** Set when the gateway has begun to serve the request. */
  exchange: Exchange | null = null
  sink: BodySink | null = null
  readonly #connection: Http1Connection
  readonly #head: RequestHead
  #framing: Framing = 'none'
  /** The head of a streamed answer, until its first bytes follow. */
  #unsentHead = ''
  #keepAlive: boolean
  /** Bytes that the answer's Content-Length still promises; -1 when it promises none. */
  #promised = -1
  /** The client was told to send its body, or has asked nobody. */
  #bodyComes: boolean
  headSent = false
  ended = false

  constructor(connection: Http1Connection, head: RequestHead) {
    this.#connection = connection
    this.#head = head
    this.#keepAlive = head.keepAlive
    this.#bodyComes = head.expect === null
  }

  get address(): string | null {
    return this.#connection.address
  }

  get listener(): string {
    return this.#connection.door.listener
  }

  get scheme(): 'http' | 'https' {
    return this.#connection.door.scheme
  }

  get certificate(): ClientCertificate | null {
    return this.#connection.door.certificate ?? null
  }

  get unsentBytes(): number {
    return this.ended ? 0 : this.#connection.unsentBytes
  }

  readBody(sink: BodySink): void {
    if (this.ended) return
    this.sink = sink
    this.#connection.bodyWanted()
  }

  pauseBody(): void {
    if (!this.ended) this.#connection.pauseBody()
  }

  resumeBody(): void {
    if (!this.ended) this.#connection.resumeBody()
  }

  askForBody(): void {
    if (this.ended || this.headSent) return
    this.#bodyComes = true
    this.#connection.writeText('HTTP/1.1 100 Continue\r\n\r\n')
  }

  answer(status: number, headers: string[], body: Buffer | string): void {
    if (this.ended || this.headSent) return
    answerText(status, headers, text)
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    const bodiless = isBodiless(status)
    const silent = bodiless || this.#head.method === 'HEAD'
    if (!silent && text.hasLength && text.length !== length) throw new RangeError('the length of an answer is wrong')
    const head = this.#completed(status, text.hasLength || bodiless ? '' : `content-length: ${length}\r\n`)
    this.headSent = true
    if (silent) this.#writeLast(head)
    else if (typeof body === 'string') this.#connection.writeAll([head, Buffer.from(body)])
    else if (body.length <= ONE_WRITE_LIMIT) this.#writeLast(head + body.toString('latin1'))
    else this.#connection.writeAll([head, body])
    this.#finish()
  }

  start(status: number, headers: string[]): void {
    if (this.ended || this.headSent) return
    answerText(status, headers, text)
    if (this.#head.method === 'HEAD' || isBodiless(status)) this.#framing = 'none'
    else if (text.hasLength) {
      this.#framing = 'plain'
      this.#promised = text.length
    } else if (this.#head.takesChunks) this.#framing = 'chunked'
    else {
      // Its end is the end of the connection.
      this.#framing = 'plain'
      this.#keepAlive = false
      this.#connection.endsWithAnswer = true
    }
    this.#unsentHead = this.#completed(status, this.#framing === 'chunked' ? 'transfer-encoding: chunked\r\n' : '')
    this.headSent = true
  }

  write(bytes: Buffer): boolean {
    return this.ended || !this.#keepsPromise(bytes.length) || this.#send(bytes)
  }

  #send(bytes: Buffer): boolean {
    const head = this.#takeHead()
    if (this.#framing === 'none' || bytes.length === 0) return head === '' || this.#connection.writeText(head)
    if (this.#framing === 'chunked') return this.#writeChunk(head, bytes, '\r\n')
    if (head === '') return this.#connection.writeBytes(bytes)
    if (bytes.length <= ONE_WRITE_LIMIT) return this.#connection.writeText(head + bytes.toString('latin1'))
    return this.#connection.writeAll([head, bytes])
  }

  end(last: Buffer | null, trailers: readonly string[] | null = null): void {
    const length = last?.length ?? 0
    if (this.ended || !this.#keepsPromise(length)) return
    if (this.#promised > 0) return this.cut()
    const chunked = this.#framing === 'chunked'
    if (last !== null && length > 0) {
      const isWhole = this.#framing === 'plain' && this.#unsentHead !== '' && length <= ONE_WRITE_LIMIT
      if (chunked) this.#writeChunk(this.#takeHead(), last, `\r\n${lastChunk(trailers)}`)
      else if (isWhole) this.#writeLast(this.#takeHead() + last.toString('latin1'))
      else this.#send(last)
    } else {
      const rest = this.#takeHead() + (chunked ? lastChunk(trailers) : '')
      if (rest !== '') this.#connection.writeText(rest)
    }
    this.#finish()
  }

  cut(): void {
    if (this.ended) return
    this.ended = true
    this.#connection.destroy()
  }

  upgrade(headers: string[]): TunnelEnd | null {
    if (this.ended || this.headSent || !this.#connection.bodyRead) return null
    answerText(101, headers, text)
    this.#connection.writeText(`${text.lines}connection: upgrade\r\n\r\n`)
    this.headSent = true
    this.ended = true
    return this.#connection.tunnel()
  }

  closeAfterAnswer(): void {
    this.#keepAlive = false
  }

  /** The connection is gone: nothing that is called on this stream has an effect any more. */
  abandon(): void {
    this.ended = true
    this.sink = null
  }

  /** The head in `text` with its last lines. */
  #completed(status: number, more: string): string {
    if (this.#connection.leaving || !this.#isBodyOver(status)) this.#keepAlive = false
    if (!this.#keepAlive) return `${text.lines}${more}connection: close\r\n\r\n`
    return this.#head.takesChunks ? `${text.lines}${more}\r\n` : `${text.lines}${more}connection: keep-alive\r\n\r\n`
  }

  /**
   * The body is read, or its end will be found. Not where the client waits to be asked for it: nobody knows whether it sends
   * it after the answer (RFC 9110, 10.1.1), and what follows could be read in two ways. Nor where it came too slowly.
   */
  #isBodyOver(status: number): boolean {
    const connection = this.#connection
    return connection.bodyRead || (this.#bodyComes && status !== TOO_LATE && connection.dropsBody)
  }

  /** False, and the answer cut, when it grows longer than its head says: what is too much would begin another one. */
  #keepsPromise(bytes: number): boolean {
    if (this.#promised < 0) return true
    this.#promised -= bytes
    if (this.#promised >= 0) return true
    this.cut()
    return false
  }

  #writeLast(text: string): void {
    if (this.#keepAlive) this.#connection.writeLast(text)
    else this.#connection.writeText(text)
  }

  #takeHead(): string {
    const head = this.#unsentHead
    this.#unsentHead = ''
    return head
  }

  #writeChunk(head: string, bytes: Buffer, after: string): boolean {
    const before = `${head}${bytes.length.toString(16)}\r\n`
    if (bytes.length <= ONE_WRITE_LIMIT) return this.#connection.writeText(before + bytes.toString('latin1') + after)
    return this.#connection.writeAll([before, bytes, after])
  }

  #finish(): void {
    this.ended = true
    this.sink = null
    this.#connection.answered(this, this.#keepAlive)
  }
}

/** The end of a chunked body. Throws a RangeError for what no trailer can hold. */
function lastChunk(trailers: readonly string[] | null): string {
  return trailers === null ? LAST_CHUNK : `0\r\n${headerLines(trailers)}\r\n`
}

/** Answers that never have a body (RFC 9110, 6.4.1). */
function isBodiless(status: number): boolean {
  return status < 200 || status === 204 || status === 304
}
