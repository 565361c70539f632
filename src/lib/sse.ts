const LF = 0x0a
const CR = 0x0d
const NOTHING = Buffer.alloc(0)

/** How much of an unfinished event is kept unless told otherwise. */
export const DEFAULT_MAX_TAIL_BYTES = 1_048_576

/**
 * Cuts a stream of server-sent events (WHATWG HTML, section 9.2.6) at event boundaries, without decoding a byte: what
 * `push` and `end` return, put together, is exactly what was pushed in. Lines may end in CR, LF or CRLF, mixed; chunks
 * may be cut anywhere, within a character too.
 */
export class SseFramer {
  readonly #maxTailBytes: number
  /** Grows by doubling: a list of tiny chunks would cost many times their bytes. */
  #tail = NOTHING
  #tailLength = 0

  /** `maxTailBytes` bounds what is kept of an event that has not ended. */
  constructor(maxTailBytes: number = DEFAULT_MAX_TAIL_BYTES) {
    this.#maxTailBytes = maxTailBytes
  }

  /**
   * The stream up to the last event that is now complete: the chunk itself or a view of it when nothing was held back,
   * else a joined copy. Null when no event has ended; `overflow` when the event has outgrown the limit, after which the
   * stream is to be given up. What remains is kept as a copy, so that no chunk is retained.
   */
  push(chunk: Buffer): Buffer | 'overflow' | null {
    if (chunk.length === 0) return null
    const cut = endOfLastEvent(chunk, this.#tailLength === 0 ? LF : (this.#tail[this.#tailLength - 1] ?? LF))
    if (cut === 0) {
      if (this.#tailLength + chunk.length > this.#maxTailBytes) return 'overflow'
      this.#keep(chunk)
      return null
    }
    let part = cut === chunk.length ? chunk : chunk.subarray(0, cut)
    if (this.#tailLength > 0) {
      const joined = Buffer.allocUnsafe(this.#tailLength + cut)
      this.#tail.copy(joined, 0, 0, this.#tailLength)
      chunk.copy(joined, this.#tailLength, 0, cut)
      this.#tailLength = 0
      part = joined
    }
    if (cut < chunk.length) this.#keep(chunk.subarray(cut))
    return part
  }

  /** The end of the stream: the unfinished event that is left, or null. The framer may then be used for another stream. */
  end(): Buffer | null {
    if (this.#tailLength === 0) return null
    const rest = this.#tail.subarray(0, this.#tailLength)
    this.#tail = NOTHING
    this.#tailLength = 0
    return rest
  }

  #keep(bytes: Buffer): void {
    const needed = this.#tailLength + bytes.length
    if (needed > this.#tail.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(256, needed, this.#tail.length * 2))
      this.#tail.copy(grown, 0, 0, this.#tailLength)
      this.#tail = grown
    }
    bytes.copy(this.#tail, this.#tailLength)
    this.#tailLength = needed
  }
}

/**
 * The offset after the last blank line in the chunk, 0 when there is none. `before` is the byte in front of the chunk;
 * LF stands for the beginning of a line.
 *
 * A CR that ends a blank line at the very end of a chunk ends the event at once, for the LF that may follow could be
 * long in coming. That LF then opens the next part, where it reads as one more blank line and changes nothing.
 */
function endOfLastEvent(chunk: Buffer, before: number): number {
  const length = chunk.length
  // Nearly every chunk of nearly every upstream ends here.
  if (chunk[length - 1] === LF && length > 1 && chunk[length - 2] === LF) return length
  let lf = chunk.lastIndexOf(LF)
  let cr = chunk.lastIndexOf(CR)
  for (;;) {
    const end = Math.max(lf, cr)
    if (end === -1) return 0
    const start = end > 0 && chunk[end] === LF && chunk[end - 1] === CR ? end - 1 : end
    const previous = start > 0 ? chunk[start - 1] : before
    const splitCrLf = start === 0 && chunk[start] === LF && before === CR
    if ((previous === LF || previous === CR) && !splitCrLf) return end + 1
    if (start === 0) return 0
    if (lf >= start) lf = chunk.lastIndexOf(LF, start - 1)
    if (cr >= start) cr = chunk.lastIndexOf(CR, start - 1)
  }
}
