import type { WireEvent } from '../dialects/dialect.ts'

/** Cuts the bytes of a stream into events, wherever the chunks are cut. */
export interface WireReader {
  /** Says what is wrong with the stream, or null. */
  push(chunk: Buffer, take: (event: WireEvent) => void): string | null
  /** The stream is over: gives an event that had no end of its own. */
  end(take: (event: WireEvent) => void): string | null
}
