import fs from 'node:fs'
import path from 'node:path'
import { SEGMENT_MAGIC, segmentName } from './format.ts'

/** A short write: the file system took only a part (it is about to be full). Carries `code` ENOSPC as the system would. */
function shortWrite(written: number, length: number): Error {
  return Object.assign(new Error(`ENOSPC: short write, ${written} of ${length} bytes`), { code: 'ENOSPC' })
}

/**
 * One open segment of the journal, written by its worker alone. `bytes` is the length of the part that is known good;
 * whatever a failed write leaves behind it is cut away before the next write.
 */
export class SegmentFile {
  readonly sequence: number
  readonly path: string
  bytes: number
  readonly #fd: number
  readonly #directory: string
  #directorySynced = false
  #syncs = 0
  #retired = false
  /** The tail behind `bytes` could not be cut away: no further frame may be written here. */
  broken = false

  private constructor(directory: string, name: string, sequence: number) {
    this.sequence = sequence
    this.#directory = directory
    this.path = path.join(directory, name)
    this.#fd = fs.openSync(this.path, 'wx', 0o600)
    this.bytes = 0
  }

  /**
   * Creates the next free segment at or after `sequence` and writes its magic.
   * Throws what the file system says; then no file is left behind.
   */
  static create(directory: string, worker: { startMs: number; worker: number }, sequence: number): SegmentFile {
    for (let next = sequence; ; next++) {
      let segment: SegmentFile
      try {
        segment = new SegmentFile(directory, segmentName(worker.startMs, worker.worker, next), next)
      } catch (error) {
        if (isCode(error, 'EEXIST')) continue
        throw error
      }
      try {
        const magic = Buffer.from(SEGMENT_MAGIC, 'latin1')
        segment.append(magic, magic.length)
        return segment
      } catch (error) {
        segment.retire()
        fs.rmSync(segment.path, { force: true })
        throw error
      }
    }
  }

  /**
   * Appends `length` bytes with one write. Throws when not all were written; the part that was is cut away again, and
   * when that fails too the segment is `broken`.
   */
  append(buffer: Uint8Array, length: number): void {
    try {
      const written = fs.writeSync(this.#fd, buffer, 0, length, this.bytes)
      if (written !== length) throw shortWrite(written, length)
      this.bytes += length
    } catch (error) {
      try {
        fs.ftruncateSync(this.#fd, this.bytes)
      } catch {
        // The caller learns it from `broken` and goes on in a new file; the first error tells more than this one.
        this.broken = true
      }
      throw error
    }
  }

  /** True while a sync is under way. */
  get syncing(): boolean {
    return this.#syncs > 0
  }

  /** True while the file still stands in its directory (somebody may have removed it under the running program). */
  linked(): boolean {
    try {
      return fs.fstatSync(this.#fd).nlink > 0
    } catch {
      return false
    }
  }

  /** Makes all appended bytes, and once the file's name, durable; then calls `done`. */
  sync(done: (error: Error | null) => void): void {
    this.#syncs++
    fs.fdatasync(this.#fd, (error) => {
      if (error !== null || this.#directorySynced) return this.#synced(error, done)
      syncDirectory(this.#directory, (directoryError) => {
        if (directoryError === null) this.#directorySynced = true
        this.#synced(directoryError, done)
      })
    })
  }

  /** `sync` for the end of a worker's life: blocks; throws what the file system says. */
  syncNow(): void {
    fs.fdatasyncSync(this.#fd)
    const directory = fs.openSync(this.#directory, 'r')
    try {
      fs.fsyncSync(directory)
    } finally {
      fs.closeSync(directory)
    }
  }

  /** No further use: the file is closed as soon as no sync is under way. */
  retire(): void {
    if (this.#retired) return
    this.#retired = true
    if (this.#syncs === 0) fs.closeSync(this.#fd)
  }

  #synced(error: Error | null, done: (error: Error | null) => void): void {
    this.#syncs--
    if (this.#retired && this.#syncs === 0) fs.closeSync(this.#fd)
    done(error)
  }
}

function syncDirectory(directory: string, done: (error: Error | null) => void): void {
  fs.open(directory, 'r', (openError, fd) => {
    if (openError !== null) return done(openError)
    fs.fsync(fd, (error) => fs.close(fd, () => done(error)))
  })
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
