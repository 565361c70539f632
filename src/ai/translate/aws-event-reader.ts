import { crc32 } from 'node:zlib'
import type { EventStreamCodec } from '@smithy/eventstream-codec'
import type { WireEvent } from '../dialects/dialect.ts'
import type { WireReader } from './wire-reader.ts'

/** Length of the frame, length of its headers, and the checksum of both. */
const PRELUDE_BYTES = 12
const LEAST_FRAME_BYTES = 16
/** 16 MiB of payload and 128 KiB of headers are the most that the format allows; a frame adds 16 bytes. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024 + 128 * 1024 + 16

let codec: EventStreamCodec | null = null

/** Loads the codec, 12 MB in each thread: for those only who have a provider that speaks so, before its first answer. */
export async function loadEventStreamCodec(): Promise<void> {
  if (codec !== null) return
  const { EventStreamCodec } = await import('@smithy/eventstream-codec')
  codec = new EventStreamCodec(
    (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
    (text) => Buffer.from(text),
  )
}

/** Frames of `application/vnd.amazon.eventstream`; their checksums are verified. */
export class AwsEventReader implements WireReader {
  readonly #codec: EventStreamCodec
  #pieces: Buffer[] = []
  #held = 0
  /** Bytes until something can be decided: a prelude, then its frame. */
  #wanted = PRELUDE_BYTES
  #inFrame = false

  constructor() {
    if (codec === null) throw new Error('the codec of event streams was not loaded')
    this.#codec = codec
  }

  push(chunk: Buffer, take: (event: WireEvent) => void): string | null {
    // A copy: the chunk is the transport's.
    this.#pieces.push(Buffer.from(chunk))
    this.#held += chunk.length
    while (this.#held >= this.#wanted) {
      const held = this.#joined()
      const wrong = this.#inFrame ? this.#frame(held, take) : this.#prelude(held)
      if (wrong !== null) return wrong
    }
    return null
  }

  /** A frame that was cut is not an event; whether the answer was complete without it, its decoder knows. */
  end(): string | null {
    return null
  }

  #joined(): Buffer {
    const [first] = this.#pieces
    const whole = this.#pieces.length === 1 && first !== undefined ? first : Buffer.concat(this.#pieces)
    this.#pieces = [whole]
    return whole
  }

  /** Checked before its frame is waited for: a length that is wrong would be waited for in vain. */
  #prelude(held: Buffer): string | null {
    if (crc32(held.subarray(0, 8)) !== held.readUInt32BE(8)) return 'sent a frame whose checksum is wrong'
    const length = held.readUInt32BE(0)
    if (length < LEAST_FRAME_BYTES) return 'sent a frame that is too short'
    if (length > MAX_FRAME_BYTES) return 'sent a frame that is too large'
    this.#wanted = length
    this.#inFrame = true
    return null
  }

  #frame(held: Buffer, take: (event: WireEvent) => void): string | null {
    const frame = held.subarray(0, this.#wanted)
    const rest = held.subarray(this.#wanted)
    this.#pieces = rest.length === 0 ? [] : [rest]
    this.#held = rest.length
    this.#wanted = PRELUDE_BYTES
    this.#inFrame = false
    let message: ReturnType<EventStreamCodec['decode']>
    try {
      message = this.#codec.decode(frame)
    } catch {
      return 'sent a frame that cannot be read or whose checksum is wrong' // nothing else is known of it
    }
    const event = eventOf(message)
    if (event !== null) take(event)
    return null
  }
}

function eventOf({ headers, body }: ReturnType<EventStreamCodec['decode']>): WireEvent | null {
  const header = (name: string): string | null => {
    const value = headers[name]?.value
    return typeof value === 'string' ? value : null
  }
  // An error without a payload, as opposed to an exception that the service knows.
  if (header(':message-type') === 'error') {
    const code = header(':error-code') ?? 'Unknown'
    const name = code.endsWith('Exception') ? code : `${code}Exception`
    return { name, data: JSON.stringify({ message: header(':error-message') ?? code }) }
  }
  const name = header(':exception-type') ?? header(':event-type')
  return name === null ? null : { name, data: Buffer.from(body).toString('utf8') }
}
