import { ChunkedBody } from '../http1/chunked-body.ts'
import { HEAD_END_BYTES, headEnd } from '../http1/head-buffer.ts'
import { KnownLines } from '../http1/known-lines.ts'
import { type AnswerHead, readAnswerHead } from './answer-head.ts'
import { TransportError } from './transport-error.ts'

const HEAD_START = Buffer.from('HTTP/1.')
/**
 * Largest head, unless the operator says otherwise: clients made with Node read heads of 16 KiB, and the gateway adds some
 * headers.
 */
export const MAX_HEAD_BYTES = 15_360
/** Interim answers (1xx) before the final one. */
const MAX_INTERIM = 100

/**
 * Hears what an answer consists of, in order. `bytes` are a view that is only valid during the call. A listener that
 * gives the answer up calls `stop`, within a call as well.
 */
export interface AnswerListener {
  onHead(head: AnswerHead): void
  onBody(bytes: Buffer): void
  /**
   * The answer is complete; `leftover` is true when more bytes came than belong to it. `trailers` is flat, names in lower
   * case.
   */
  onComplete(leftover: boolean, trailers: readonly string[] | null): void
  /** The upstream switched to the protocol that was asked for; `rest` is what it said in it already. */
  onSwitch?(head: AnswerHead, rest: Buffer): void
}

type State = 'head' | 'length' | 'chunked' | 'close' | 'complete'

/**
 * Reads one answer after the other from the bytes of a connection, however they are cut. Throws TransportError
 * `invalid_answer` when the bytes are no answer; the connection is then of no further use.
 */
export class AnswerParser {
  readonly #listener: AnswerListener
  readonly #maxHeadBytes: number
  readonly #chunked = new ChunkedBody(
    (what) => new TransportError('invalid_answer', `The body of the answer is not valid: ${what}.`),
  )
  readonly #known = new KnownLines()
  #method = ''
  #state: State = 'complete'
  /** The beginning of a head that is not complete. */
  #held: Buffer | null = null
  #left = 0
  #interim = 0
  #maySwitch = false

  constructor(listener: AnswerListener, maxHeadBytes = MAX_HEAD_BYTES) {
    this.#listener = listener
    this.#maxHeadBytes = maxHeadBytes
  }

  /** True between `expect` and the end of the answer. */
  get busy(): boolean {
    return this.#state !== 'complete'
  }

  /** A request was sent: its answer comes next. `maySwitch`: it asked for another protocol. */
  expect(method: string, maySwitch = false): void {
    this.#method = method
    this.#maySwitch = maySwitch
    this.#state = 'head'
    this.#held = null
    this.#interim = 0
  }

  /** The answer was given up: nothing more is told before the next `expect`, not even of bytes that are being read now. */
  stop(): void {
    this.#state = 'complete'
    this.#held = null
  }

  /** The next bytes of the connection. */
  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      switch (this.#state) {
        case 'head':
          at = this.#readHead(bytes, at)
          break
        case 'length': {
          const end = Math.min(bytes.length, at + this.#left)
          this.#left -= end - at
          const piece = bytes.subarray(at, end)
          at = end
          this.#listener.onBody(piece)
          if (this.#left === 0 && this.busy) this.#complete(at < bytes.length)
          break
        }
        case 'chunked':
          at = this.#readChunked(bytes, at)
          break
        case 'close':
          this.#listener.onBody(at === 0 ? bytes : bytes.subarray(at))
          return
        case 'complete':
          // Bytes that belong to no answer: told with `leftover`, or the connection was idle.
          return
      }
    }
  }

  /** The upstream has closed its side. Throws TransportError `connection_closed` when the answer is not complete. */
  end(): void {
    if (this.#state === 'close') this.#complete(false)
    else if (this.#state !== 'complete') {
      throw new TransportError(
        'connection_closed',
        'The upstream closed the connection before its answer was complete.',
      )
    }
  }

  #readHead(bytes: Buffer, from: number): number {
    const held = this.#held
    const joined = held === null ? bytes : Buffer.concat([held, bytes.subarray(from)])
    const start = held === null ? from : 0
    // The end may have begun in the held part.
    const end = headEnd(joined, held === null ? from : Math.max(0, held.length - 3))
    if (end < 0) {
      if (joined.length - start > this.#maxHeadBytes) throw tooLong(this.#maxHeadBytes)
      if (!beginsLikeHead(joined, start)) {
        // Another protocol's greeting may be all that ever comes.
        throw new TransportError('invalid_answer', 'The answer does not begin like one of HTTP/1.1.')
      }
      if (hasBareLineFeed(joined, start)) {
        // Its end would never be found.
        throw new TransportError('invalid_answer', 'The lines of the answer end with a bare line feed.')
      }
      this.#held = held === null ? Buffer.from(joined.subarray(start)) : joined
      return bytes.length
    }
    if (end - start > this.#maxHeadBytes) throw tooLong(this.#maxHeadBytes)
    const head = readAnswerHead(joined.toString('latin1', start, end), this.#method, this.#known)
    const next = from + (end + HEAD_END_BYTES - (held === null ? from : held.length))
    this.#held = null
    if (head.status === 101 && this.#maySwitch) {
      this.#state = 'complete'
      this.#listener.onSwitch?.(head, bytes.subarray(next))
      return bytes.length
    }
    this.#begin(head, next < bytes.length)
    return next
  }

  #begin(head: AnswerHead, more: boolean): void {
    if (head.status === 101) throw new TransportError('invalid_answer', 'The upstream switched protocols, unasked.')
    if (head.status < 200) {
      if (++this.#interim > MAX_INTERIM)
        throw new TransportError('invalid_answer', 'There is no end of interim answers.')
      return
    }
    const { framing } = head
    this.#state = framing.kind === 'none' ? 'head' : framing.kind
    if (framing.kind === 'length') this.#left = framing.length
    else if (framing.kind === 'chunked') this.#chunked.reset()
    this.#listener.onHead(head)
    if (framing.kind === 'none' && this.busy) this.#complete(more)
  }

  #readChunked(bytes: Buffer, from: number): number {
    let at = from
    while (at < bytes.length) {
      at = this.#chunked.read(bytes, at)
      const { dataStart, dataEnd } = this.#chunked
      if (dataEnd > dataStart) this.#listener.onBody(bytes.subarray(dataStart, dataEnd))
      if (!this.busy) return at
      if (this.#chunked.complete) {
        this.#complete(at < bytes.length, this.#chunked.trailers)
        return at
      }
    }
    return at
  }

  #complete(leftover: boolean, trailers: readonly string[] | null = null): void {
    this.#state = 'complete'
    this.#listener.onComplete(leftover, trailers)
  }
}

function beginsLikeHead(bytes: Buffer, start: number): boolean {
  const length = Math.min(bytes.length - start, HEAD_START.length)
  return bytes.compare(HEAD_START, 0, length, start, start + length) === 0
}

/** True when the first line ends so, or an empty line does. */
function hasBareLineFeed(bytes: Buffer, start: number): boolean {
  const first = bytes.indexOf(0x0a, start)
  return first >= 0 && (bytes[first - 1] !== 0x0d || bytes.includes('\n\n', first))
}

function tooLong(maxBytes: number): TransportError {
  return new TransportError('invalid_answer', `The head of the answer is longer than ${maxBytes} bytes.`)
}
