import { crc32 } from 'node:zlib'
import { FRAME_HEADER_BYTES, MAX_FRAME_BYTES } from './format.ts'

const INITIAL_BYTES = 65_536
/** As large as a page, so that a full disk cannot take it into the rest of a page that it has given out already. */
const BLANK = ' '.repeat(4096)
/** A UTF-16 unit takes at most three bytes of UTF-8. */
const MAX_FRAME_CHARACTERS = Math.floor(MAX_FRAME_BYTES / 3)

/** The buffer in which frames are made, grown to the largest frame that was needed (at most MAX_FRAME_BYTES). */
export class FrameBuffer {
  bytes = Buffer.allocUnsafe(INITIAL_BYTES)
  /** Bytes of the frame that was filled last. */
  length = 0

  /** Makes a frame of the payloads from `from` on, as many as fit; returns the index of the first that did not. */
  fill(payloads: readonly string[], from: number): number {
    let text = payloads[from] ?? ''
    let to = from + 1
    for (; to < payloads.length; to++) {
      const next = payloads[to] ?? ''
      if (text.length + next.length >= MAX_FRAME_CHARACTERS) break
      text += `\n${next}`
    }
    this.#encode(text)
    return to
  }

  /** Makes a frame that holds no entry, to see whether the disk takes one. */
  fillBlank(): void {
    this.#encode(BLANK)
  }

  #encode(text: string): void {
    const most = FRAME_HEADER_BYTES + text.length * 3
    if (most > this.bytes.length) this.bytes = Buffer.allocUnsafe(2 ** Math.ceil(Math.log2(most)))
    const length = this.bytes.write(text, FRAME_HEADER_BYTES, 'utf8')
    this.bytes.writeUInt32LE(length, 0)
    this.length = FRAME_HEADER_BYTES + length
    this.bytes.writeUInt32LE(crc32(this.bytes.subarray(FRAME_HEADER_BYTES, this.length)), 4)
  }
}
