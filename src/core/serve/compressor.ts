import type { Transform } from 'node:stream'
import {
  type BrotliOptions,
  brotliCompress,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzip,
  type ZlibOptions,
  type ZstdOptions,
  zstdCompress,
} from 'node:zlib'
import type { Coding } from './accept-encoding.ts'

/** A stream that compresses, on the threads of libuv. */
export interface Compressor extends Transform {
  flush(kind: number, callback?: () => void): void
  close(callback?: () => void): void
}

/** How a coding is made. */
export interface CodingRow {
  /** Lets everything out that was written, and forgets nothing of it. */
  readonly flushKind: number
  stream(): Compressor
  whole(bytes: Buffer, done: (error: Error | null, result: Buffer) => void): void
}

const CHUNK_BYTES = 32_768
/** 512 KiB: larger windows win little on answers and cost their size in memory for each of them. */
const WINDOW_BITS = 19

// Middle levels: the highest cost twenty times the processor time for a tenth of the size.
const GZIP: ZlibOptions = { level: 5, chunkSize: CHUNK_BYTES, flush: constants.Z_NO_FLUSH }
const BROTLI: BrotliOptions = {
  chunkSize: CHUNK_BYTES,
  params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS },
}
const ZSTD: ZstdOptions = {
  chunkSize: CHUNK_BYTES,
  params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_windowLog]: WINDOW_BITS },
}

export const CODINGS: Readonly<Record<Coding, CodingRow>> = {
  gzip: {
    flushKind: constants.Z_SYNC_FLUSH,
    stream: () => createGzip(GZIP),
    whole: (bytes, done) => gzip(bytes, GZIP, done),
  },
  br: {
    flushKind: constants.BROTLI_OPERATION_FLUSH,
    stream: () => createBrotliCompress(BROTLI),
    whole: (bytes, done) => brotliCompress(bytes, BROTLI, done),
  },
  zstd: {
    flushKind: constants.ZSTD_e_flush,
    stream: () => createZstdCompress(ZSTD),
    whole: (bytes, done) => zstdCompress(bytes, ZSTD, done),
  },
}
