import type { BodySink } from '../client-stream.ts'
import { isLent, ownBytes } from '../connect/lend-reads.ts'
import type { Exchange, Upload } from '../exchange.ts'
import { bodyTooLarge } from '../listen/body-errors.ts'
import { takeMemory } from '../listen/body-memory.ts'
import { BodyPieces } from '../listen/body-pieces.ts'
import type { BodySource, BodyWriter } from '../phases.ts'
import { refuse } from '../respond/refuse.ts'
import { passableTrailers } from './trailers.ts'

/** A body up to this size is kept until its request has an answer, so that another attempt can be made with it. */
export const KEPT_BYTES = 65_536

/** Smaller pieces are copied where small things are: they would waste most of a piece of memory. */
const LARGE_BYTES = 8_192

/**
 * A request body on its way from the client to the upstream, piece by piece. What comes before the upstream is connected
 * is kept, up to a bound at which the client is not read further.
 */
export class RelayedBody implements BodySink, BodySource, Upload {
  readonly length: number
  /** What is kept is copied. */
  readonly takesLent = true
  readonly #x: Exchange
  readonly #limit: number
  /** Everything so far; null once it was too much to keep. */
  #kept: BodyPieces | null = new BodyPieces()
  #writer: BodyWriter | null = null
  #trailers: readonly string[] | null = null
  #paused = false
  #asked = false
  complete = false
  movedAt: number

  constructor(x: Exchange, limit: number) {
    this.#x = x
    this.#limit = limit
    this.length = x.head.chunked ? -1 : x.head.contentLength
    this.movedAt = performance.now()
  }

  /** All that was sent can be sent again. */
  get replayable(): boolean {
    return this.#kept !== null
  }

  get waitsFor(): 'client' | 'upstream' {
    return this.#paused ? 'upstream' : 'client'
  }

  onBody(bytes: Buffer): void {
    const x = this.#x
    this.movedAt = x.gateway.deadlines.now
    x.bytesIn += bytes.length
    if (x.bytesIn > this.#limit) return refuse(x, bodyTooLarge(this.#limit))
    const writer = this.#writer
    if (this.#kept === null) {
      if (writer !== null && !pass(bytes, writer)) this.#pause()
      return
    }
    const own = ownBytes(bytes, 0)
    this.#kept.push(own)
    if (x.bytesIn > KEPT_BYTES) {
      if (writer === null) this.#pause()
      else this.#kept = null
    }
    if (writer !== null && !writer.write(own)) this.#pause()
  }

  onBodyEnd(trailers: readonly string[] | null = null): void {
    this.complete = true
    this.#trailers = trailers === null ? null : passableTrailers(trailers)
    this.movedAt = this.#x.gateway.deadlines.now
    this.#writer?.end(this.#trailers)
  }

  open(writer: BodyWriter): void {
    this.#writer = writer
    let more = true
    if (this.#kept !== null && this.#x.bytesIn > 0) more = writer.write(this.#kept.joined())
    if (this.#x.bytesIn > KEPT_BYTES) this.#kept = null
    if (this.complete) return writer.end(this.#trailers)
    if (!this.#asked && this.#x.head.expect !== null) this.#x.client.askForBody()
    this.#asked = true
    if (more) this.#goOn()
    else this.#pause()
  }

  onDrain(): void {
    this.movedAt = this.#x.gateway.deadlines.now
    this.#goOn()
  }

  close(): void {
    this.#writer = null
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#x.client.pauseBody()
  }

  #goOn(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#x.client.resumeBody()
  }
}

/** Hands bytes on that nobody keeps. */
function pass(bytes: Buffer, writer: BodyWriter): boolean {
  if (!isLent(bytes)) return writer.write(bytes)
  if (bytes.length < LARGE_BYTES) return writer.write(ownBytes(bytes, 0))
  const memory = takeMemory(bytes.length)
  bytes.copy(memory)
  return writer.write(memory.subarray(0, bytes.length), memory)
}
