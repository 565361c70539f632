import fs from 'node:fs'
import path from 'node:path'
import { listSegments } from './directory.ts'
import type { SegmentName } from './format.ts'
import type { OpenSegment } from './worker-journal.ts'

/**
 * The segment files of a journal as their one reader treats them: how far each is in the database, which are done with, and
 * which cannot be explained. A file goes only when its rows are durable.
 */
export class SegmentShelf {
  /** Segments with bytes that no cut write explains; kept under `<name>.damaged`. */
  readonly damaged: string[] = []
  readonly directory: string
  /** By segment name: what is in the database. */
  readonly #committed = new Map<string, number>()
  /** Segments that are done with and could not be removed yet. */
  readonly #removable = new Set<string>()
  /** Damaged segments that could not be renamed. */
  readonly #ignored = new Set<string>()

  constructor(directory: string) {
    this.directory = directory
  }

  /** Every segment that lies there. */
  list(): readonly SegmentName[] {
    return listSegments(this.directory)
  }

  /** Those that may still hold something; removes, where that failed before, what is done with. */
  takeUp(listed: readonly SegmentName[]): readonly SegmentName[] {
    const left: SegmentName[] = []
    for (const segment of listed) {
      if (this.#ignored.has(segment.name)) continue
      if (this.#removable.has(segment.name)) this.#remove(segment.name)
      else left.push(segment)
    }
    return left
  }

  /** Whether the segment is read and only waits to be removed. */
  isDone(name: string): boolean {
    return this.#removable.has(name)
  }

  /** Up to where a segment is in the database. */
  committed(name: string): number {
    return this.#committed.get(name) ?? 0
  }

  /** What was read of the segment is in the database. */
  commit(segment: OpenSegment): void {
    this.#committed.set(segment.name, segment.reader.offset)
  }

  /** The segment's rows are durable: it goes, or is kept aside when it holds what cannot be explained. */
  finish(segment: OpenSegment): void {
    const remains = segment.reader.remains()
    segment.reader.close()
    this.#committed.delete(segment.name)
    if (remains === 'damaged') this.#setAside(segment.name)
    else this.#remove(segment.name)
  }

  #setAside(name: string): void {
    this.damaged.push(name)
    const file = path.join(this.directory, name)
    try {
      fs.renameSync(file, `${file}.damaged`)
    } catch {
      // It stays under its name, and this process reads it no more.
      this.#ignored.add(name)
    }
  }

  #remove(name: string): void {
    try {
      fs.rmSync(path.join(this.directory, name), { force: true })
      this.#removable.delete(name)
    } catch {
      // Reading it again would do no harm but cost time: skip it, and try again at the next pass.
      this.#removable.add(name)
    }
  }
}
