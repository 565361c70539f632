import fs from 'node:fs'
import path from 'node:path'
import { SEGMENT_MAGIC, segmentName } from '../journal/format.ts'
import { FrameBuffer } from '../journal/frame-buffer.ts'

/** The bytes of a segment with one frame per list of entries. */
export function segmentBytes(frames: readonly (readonly string[])[]): Buffer {
  const buffer = new FrameBuffer()
  const parts = [Buffer.from(SEGMENT_MAGIC, 'latin1')]
  for (const entries of frames) {
    buffer.fill(entries, 0)
    parts.push(Buffer.from(buffer.bytes.subarray(0, buffer.length)))
  }
  return Buffer.concat(parts)
}

/** Puts a segment into the journal of a data directory; returns its path. */
export function putSegment(
  dataDir: string,
  name: { startMs?: number; worker?: number; sequence?: number },
  bytes: Uint8Array,
): string {
  const directory = path.join(dataDir, 'journal')
  fs.mkdirSync(directory, { recursive: true })
  const file = path.join(directory, segmentName(name.startMs ?? 1000, name.worker ?? 0, name.sequence ?? 1))
  fs.writeFileSync(file, bytes)
  return file
}
