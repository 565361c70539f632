/** Text messages up to this size are read; longer ones go by unread. */
const LONGEST_MESSAGE = 1_048_576
const CONTINUATION = 0
const TEXT = 1

/** Reads the text messages of one side of a WebSocket (RFC 6455, 5.2) as its bytes go by, cut anywhere. */
export class FrameReader {
  readonly #onText: (text: Buffer) => void
  #head: Buffer = Buffer.alloc(0)
  /** Bytes of the current frame's payload that are still to come. */
  #left = 0
  #final = false
  /** What is kept of the current message; null when it is none of text, or too long. */
  #message: Buffer[] | null = null
  #messageBytes = 0
  #isControl = false
  /** The stream is not what it should be: it goes by unread from here on. */
  #lost = false

  constructor(onText: (text: Buffer) => void) {
    this.#onText = onText
  }

  /** Something may be said between two frames, and not within one. */
  get isBetween(): boolean {
    return this.#lost || (this.#left === 0 && this.#head.length === 0)
  }

  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length && !this.#lost) {
      if (this.#left > 0) {
        const end = Math.min(bytes.length, at + this.#left)
        this.#keep(bytes.subarray(at, end))
        this.#left -= end - at
        at = end
        if (this.#left === 0) this.#endFrame()
        continue
      }
      at = this.#readHead(bytes, at)
    }
  }

  /** Takes bytes of a frame's head, and gives where its payload begins, or the end when more must come. */
  #readHead(bytes: Buffer, at: number): number {
    const had = this.#head.length
    const head = had === 0 ? bytes.subarray(at) : Buffer.concat([this.#head, bytes.subarray(at)])
    const short = (head[1] ?? 0) & 0x7f
    const length = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0)
    if (head.length < 2 || head.length < length) {
      this.#head = Buffer.from(head)
      return bytes.length
    }
    this.#head = NONE
    const masked = ((head[1] ?? 0) & 0x80) !== 0
    const size = short === 126 ? head.readUInt16BE(2) : short === 127 ? Number(head.readBigUInt64BE(2)) : short
    const opcode = (head[0] ?? 0) & 0x0f
    // Servers mask nothing, and compression was not agreed.
    if (masked || ((head[0] ?? 0) & 0x70) !== 0) this.#lost = true
    this.#final = ((head[0] ?? 0) & 0x80) !== 0
    this.#isControl = opcode >= 8
    if (!this.#isControl && opcode !== CONTINUATION) {
      this.#message = opcode === TEXT ? [] : null
      this.#messageBytes = 0
    }
    this.#left = size
    if (size === 0) this.#endFrame()
    return at + length - had
  }

  #keep(piece: Buffer): void {
    if (this.#isControl || this.#message === null) return
    this.#messageBytes += piece.length
    if (this.#messageBytes > LONGEST_MESSAGE) this.#message = null
    else this.#message.push(piece)
  }

  #endFrame(): void {
    if (this.#isControl || !this.#final) return
    const message = this.#message
    this.#message = null
    if (message !== null) this.#onText(message.length === 1 ? (message[0] ?? NONE) : Buffer.concat(message))
  }
}

const NONE = Buffer.alloc(0)

/** A close frame as servers send it: a code (RFC 6455, 7.4.1) and words. */
export function closeFrame(code: number, reason: string): Buffer {
  const words = Buffer.from(reason).subarray(0, 120)
  return Buffer.concat([Buffer.from([0x88, words.length + 2, code >> 8, code & 0xff]), words])
}
