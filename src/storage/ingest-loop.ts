import type { IngestResult } from './writer-calls.ts'

const MIN_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 10_000

export interface IngestLoopOptions {
  /** One pass, as LedgerWriter's `ingest`. */
  ingest(): IngestResult
  /** A pass ended; also called when the database refused. */
  onPass?(result: IngestResult): void
  /** What is notified within this time is brought in by one transaction. Default 250 ms. */
  readonly batchMs?: number
  /** A pass without notification, for what a lost one would leave behind. Default 2 s. */
  readonly idleMs?: number
}

/**
 * Calls `ingest` in the writer thread: batched after notifications, at once while a batch was full, seldom when
 * nothing happens, and with growing pauses while the database refuses.
 */
export class IngestLoop {
  readonly #options: IngestLoopOptions
  #timer: NodeJS.Timeout | null = null
  #dueAt = Number.POSITIVE_INFINITY
  #failures = 0
  #stopped = false

  constructor(options: IngestLoopOptions) {
    this.#options = options
  }

  /** Begins; the first pass is due at once. */
  start(): void {
    this.#within(0)
  }

  /** A worker has written to its journal. */
  notify(): void {
    if (this.#failures === 0) this.#within(this.#options.batchMs ?? 250)
  }

  /** No further pass; the caller makes a last one itself if it wants one. */
  stop(): void {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #within(ms: number): void {
    const dueAt = performance.now() + ms
    if (this.#stopped || dueAt >= this.#dueAt) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => this.#pass(), ms)
  }

  #pass(): void {
    this.#dueAt = Number.POSITIVE_INFINITY
    const result = this.#options.ingest()
    this.#failures = result.error === null ? 0 : this.#failures + 1
    const backoff = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** (this.#failures - 1))
    if (result.error !== null) this.#within(backoff)
    else this.#within(result.more ? 0 : (this.#options.idleMs ?? 2000))
    this.#options.onPass?.(result)
  }
}
