import type { BodySink, ClientStream } from '../client-stream.ts'
import type { Exchange } from '../exchange.ts'
import type { ClientCertificate } from '../listen/client-certificate.ts'
import type { TunnelEnd } from '../phases.ts'
import type { AcceptedCodings, Coding } from './accept-encoding.ts'
import { CODINGS } from './compressor.ts'
import { type EncodingRules, encodedHeaders, isEncodable } from './encoding-rules.ts'
import { EncodingStream } from './encoding-stream.ts'
import { addVary, headerOf } from './header-list.ts'
import type { OpenEncodings } from './open-encodings.ts'

export interface EncodingOptions {
  readonly rules: EncodingRules
  readonly accepted: AcceptedCodings
  readonly open: OpenEncodings
}

/** A client's side that compresses what passes through it, where the answer's head allows that. */
export class EncodingClient implements ClientStream {
  readonly #client: ClientStream
  readonly #x: Exchange
  readonly #options: EncodingOptions
  #stream: EncodingStream | null = null
  /** A whole answer that is being compressed, or the end of a stream that is on its way. */
  #given = false

  constructor(client: ClientStream, x: Exchange, options: EncodingOptions) {
    this.#client = client
    this.#x = x
    this.#options = options
  }

  get address(): string | null {
    return this.#client.address
  }

  get listener(): string {
    return this.#client.listener
  }

  get scheme(): 'http' | 'https' {
    return this.#client.scheme
  }

  get certificate(): ClientCertificate | null {
    return this.#client.certificate
  }

  get headSent(): boolean {
    return this.#given || this.#client.headSent
  }

  get ended(): boolean {
    return this.#given || this.#client.ended
  }

  get unsentBytes(): number {
    return this.#client.unsentBytes + (this.#stream?.heldBytes ?? 0)
  }

  readBody(sink: BodySink): void {
    this.#client.readBody(sink)
  }

  pauseBody(): void {
    this.#client.pauseBody()
  }

  resumeBody(): void {
    this.#client.resumeBody()
  }

  askForBody(): void {
    this.#client.askForBody()
  }

  answer(status: number, headers: string[], body: Buffer | string): void {
    if (this.headSent || this.ended) return
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    // Without a body the length that the head names is the answer's, were it not for HEAD.
    const length = this.#x.method === 'HEAD' ? lengthOf(headers) : bytes.length
    const coding = this.#choose(status, headers, length)
    if (coding === null) return this.#client.answer(status, headers, bytes)
    const encoded = encodedHeaders(headers, coding)
    this.#given = true
    if (this.#x.method === 'HEAD') {
      this.#client.start(status, encoded)
      return this.#client.end(null)
    }
    CODINGS[coding].whole(bytes, (error, result) => this.#answerWhole(error, result, { status, encoded }))
  }

  #answerWhole(error: Error | null, result: Buffer, head: { status: number; encoded: string[] }): void {
    if (error === null) {
      try {
        return this.#client.answer(head.status, head.encoded, result)
      } catch (second) {
        this.#x.gateway.onFault(second, this.#x)
      }
    } else this.#x.gateway.onFault(error, this.#x)
    this.#client.cut()
  }

  start(status: number, headers: string[]): void {
    if (this.headSent || this.ended) return
    const coding = this.#choose(status, headers, lengthOf(headers))
    if (coding === null || this.#x.method === 'HEAD') {
      return this.#client.start(status, coding === null ? headers : encodedHeaders(headers, coding))
    }
    const x = this.#x
    this.#client.start(status, encodedHeaders(headers, coding))
    const stream = new EncodingStream({
      client: this.#client,
      coding: CODINGS[coding],
      open: this.#options.open,
      onRoom: () => x.attempt?.drained(),
      onFault: (error) => x.gateway.onFault(error, x),
    })
    this.#stream = stream
    x.onDrain = () => stream.drained()
  }

  write(bytes: Buffer): boolean {
    if (this.ended) return true
    return this.#stream === null ? this.#client.write(bytes) : this.#stream.write(bytes)
  }

  /** Behind a compressed body nothing follows: trailers may be of the bytes that it was made from. */
  end(last: Buffer | null, trailers: readonly string[] | null = null): void {
    if (this.ended) return
    if (this.#stream === null) return this.#client.end(last, trailers)
    this.#given = true
    this.#stream.end(last)
  }

  cut(): void {
    this.#stream?.close()
    this.#client.cut()
  }

  upgrade(headers: string[]): TunnelEnd | null {
    return this.#client.upgrade(headers)
  }

  closeAfterAnswer(): void {
    this.#client.closeAfterAnswer()
  }

  /** How this answer is compressed, null for not at all; says in `headers` on what that depends. `length` -1: unknown. */
  #choose(status: number, headers: string[], length: number): Coding | null {
    const { rules, accepted, open } = this.#options
    // A 304 stands for an answer whose head it no longer has.
    if (status === 304) addVary(headers, 'accept-encoding')
    if (!isEncodable(rules, status, headers)) return null
    addVary(headers, 'accept-encoding')
    const [coding] = accepted.codings
    if (coding === undefined || length === 0) return null
    if (accepted.plain === 'refused') return coding
    return (length >= 0 && length < rules.minimum) || open.full ? null : coding
  }
}

function lengthOf(headers: readonly string[]): number {
  const text = headerOf(headers, 'content-length')
  return text === null ? -1 : Number(text)
}
