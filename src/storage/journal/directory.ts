import fs from 'node:fs'
import path from 'node:path'
import { compareSegments, parseSegmentName, type SegmentName } from './format.ts'

/** Where the journal of a data directory lives. */
export function journalDirectory(dataDir: string): string {
  return path.join(dataDir, 'journal')
}

/** The segments of a journal directory in the order of their entries. */
export function listSegments(directory: string): SegmentName[] {
  const segments: SegmentName[] = []
  for (const file of fs.readdirSync(directory)) {
    const name = parseSegmentName(file)
    if (name !== null) segments.push(name)
  }
  return segments.sort(compareSegments)
}

/** Bytes of all segments. */
export function journalBytes(directory: string): number {
  let bytes = 0
  for (const { name } of listSegments(directory)) {
    // One that was removed meanwhile takes no space.
    bytes += fs.statSync(path.join(directory, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}
