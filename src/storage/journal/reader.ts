import fs from 'node:fs'
import { crc32 } from 'node:zlib'
import { StorageError } from '../errors.ts'
import { FRAME_HEADER_BYTES, MAX_FRAME_BYTES, SEGMENT_MAGIC } from './format.ts'

const BLOCK_BYTES = 1_048_576
const ANY_VERSION = /^FERROJ[1-9]\n$/

/**
 * Reads a segment from an offset, also while its worker appends to it. Holds one block of 1 MiB, more only for a frame
 * that is larger (at most MAX_FRAME_BYTES).
 */
export class SegmentReader {
  /** Everything before this was returned by `next`, or skipped by the caller. */
  offset: number
  readonly #path: string
  readonly #fd: number
  #block = Buffer.alloc(0)
  /** Position in the file of the block's first byte, and the part of the block that holds data. */
  #blockStart = 0
  #blockLength = 0

  /** Opens a segment; throws when the file cannot be opened. `offset` is one that a reader had, or 0. */
  constructor(path: string, offset: number) {
    this.#path = path
    this.#fd = fs.openSync(path, 'r')
    this.offset = offset
  }

  /**
   * The next frame's entries as JSON texts joined by line breaks (blank when it holds none), or null: nothing complete
   * follows, see `remains`. Throws StorageError `unknown_format` when another version of the program wrote the segment.
   */
  next(): string | null {
    if (this.offset === 0 && !this.#skipMagic()) return null
    const header = this.#view(this.offset, FRAME_HEADER_BYTES)
    if (header === null) return null
    const length = header.readUInt32LE(0)
    const checksum = header.readUInt32LE(4)
    if (length === 0 || length > MAX_FRAME_BYTES) return null
    const text = this.#view(this.offset + FRAME_HEADER_BYTES, length)
    if (text === null || crc32(text) !== checksum) return null
    this.offset += FRAME_HEADER_BYTES + length
    return text.toString('utf8')
  }

  /**
   * What follows the offset: `nothing`; `torn`, the beginning of a frame, as a write leaves that was cut short; or
   * `damaged`, bytes that no such write explains.
   */
  remains(): 'nothing' | 'torn' | 'damaged' {
    const size = this.size()
    if (size <= this.offset) return 'nothing'
    if (this.offset === 0) return size < SEGMENT_MAGIC.length ? 'torn' : 'damaged'
    const header = this.#view(this.offset, FRAME_HEADER_BYTES)
    if (header === null) return 'torn'
    const length = header.readUInt32LE(0)
    // Some file systems give back zeros for what was not written before the power failed.
    if (length === 0 && header.readUInt32LE(4) === 0) return 'torn'
    if (length === 0 || length > MAX_FRAME_BYTES) return 'damaged'
    return this.offset + FRAME_HEADER_BYTES + length > size ? 'torn' : 'damaged'
  }

  /** Bytes of the file now. */
  size(): number {
    return fs.fstatSync(this.#fd).size
  }

  /** Closes the file; no further call is allowed. */
  close(): void {
    fs.closeSync(this.#fd)
  }

  /** Gives the block's memory back until the next read; for readers that wait. */
  rest(): void {
    this.#block = Buffer.alloc(0)
    this.#blockLength = 0
  }

  #skipMagic(): boolean {
    const magic = this.#view(0, SEGMENT_MAGIC.length)
    if (magic === null) return false
    const found = magic.toString('latin1')
    if (found !== SEGMENT_MAGIC) {
      if (ANY_VERSION.test(found)) throw unknownFormat(this.#path, found)
      return false
    }
    this.offset = SEGMENT_MAGIC.length
    return true
  }

  /** `length` bytes at `position`, valid until the next call; null when the file does not have them yet. */
  #view(position: number, length: number): Buffer | null {
    if (!this.#holds(position, length)) this.#load(position, length)
    if (!this.#holds(position, length)) return null
    const start = position - this.#blockStart
    return this.#block.subarray(start, start + length)
  }

  #holds(position: number, length: number): boolean {
    return position >= this.#blockStart && position + length <= this.#blockStart + this.#blockLength
  }

  #load(position: number, length: number): void {
    if (this.#block.length < length || this.#block.length === 0) {
      this.#block = Buffer.allocUnsafe(Math.max(length, BLOCK_BYTES))
    }
    this.#blockStart = position
    this.#blockLength = 0
    while (this.#blockLength < length) {
      const room = this.#block.length - this.#blockLength
      const read = fs.readSync(this.#fd, this.#block, this.#blockLength, room, position + this.#blockLength)
      if (read === 0) return
      this.#blockLength += read
    }
  }
}

function unknownFormat(path: string, magic: string): StorageError {
  return new StorageError(
    'unknown_format',
    `${path} is a journal of format ${magic.trim()}, and this program reads ${SEGMENT_MAGIC.trim()}. Another version of ` +
      'ferro wrote it: start that version and stop it again, which brings its journal into the database, or move the ' +
      'file away (what it holds is then missing in the ledger).',
  )
}
