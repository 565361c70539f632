import type { ClientStream } from './client-stream.ts'

/** Longest answer that is thrown away, where that is bounded. */
const MOST_BYTES = 64 * 1024 * 1024

/** A client that hears nothing: whatever is sent to it is gone at once. */
export class UnheardClient implements ClientStream {
  readonly address: string | null
  readonly listener: string
  readonly scheme: 'http' | 'https'
  readonly certificate = null
  readonly unsentBytes = 0
  headSent = false
  ended = false
  readonly #onTooMuch: (() => void) | null
  #bytes = 0

  /** `of`: the client whose request it is. `onTooMuch`: the answer is longer than is read to its end; null: it is read however long it is. */
  constructor(
    { address, listener, scheme }: Pick<ClientStream, 'address' | 'listener' | 'scheme'>,
    onTooMuch: (() => void) | null,
  ) {
    this.#onTooMuch = onTooMuch
    this.address = address
    this.listener = listener
    this.scheme = scheme
  }

  /** Its request has been read. */
  readBody(): void {
    throw new Error('a double of a request has its whole body')
  }

  pauseBody(): void {
    this.readBody()
  }

  resumeBody(): void {
    this.readBody()
  }

  askForBody(): void {
    this.readBody()
  }

  /** There is no connection. */
  closeAfterAnswer(): void {
    this.ended = true
  }

  answer(): void {
    this.headSent = true
    this.ended = true
  }

  start(): void {
    this.headSent = true
  }

  write(bytes: Buffer): boolean {
    this.#bytes += bytes.length
    if (this.#bytes > MOST_BYTES && !this.ended && this.#onTooMuch !== null) {
      this.ended = true
      this.#onTooMuch()
    }
    return true
  }

  end(): void {
    this.ended = true
  }

  cut(): void {
    this.ended = true
  }

  upgrade(): null {
    return null
  }
}
