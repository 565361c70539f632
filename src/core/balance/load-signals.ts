import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { LoadSample, LoadShedder } from './shedding.ts'

type Delays = ReturnType<typeof monitorEventLoopDelay>

/** The histogram's timer runs in the event loop's own code and calls no JavaScript. */
const RESOLUTION_MS = 20
const NANOS_PER_MS = 1_000_000

/** Looks at this thread's load a few times a second and tells the shedder. */
export class LoadSignals {
  readonly #shedder: LoadShedder
  readonly #everyMs: number
  #delays: Delays | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(shedder: LoadShedder, everyMs = 250) {
    this.#shedder = shedder
    this.#everyMs = everyMs
  }

  /** `onChange` is told when the shedder's level changed; `onSample` of every look, after that. */
  start(onChange: (sample: LoadSample) => void, onSample: ((sample: LoadSample) => void) | null = null): void {
    const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    delays.enable()
    this.#delays = delays
    let lookedAt = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      // After a pause the timer may run twice at once: the second look has nothing to see.
      if (now - lookedAt < this.#everyMs / 2) return
      const lagMs = lagOf(delays, now - lookedAt)
      delays.reset()
      lookedAt = now
      const sample = { lagMs, heapShare: heapShare() }
      if (this.#shedder.enter(sample)) onChange(sample)
      onSample?.(sample)
    }, this.#everyMs).unref()
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#delays?.disable()
    this.#timer = null
    this.#delays = null
  }
}

/**
 * The histogram holds the time between two runs of its timer, which is its resolution when nothing is late. An empty
 * one means that the loop has not come round since the last look.
 */
function lagOf(delays: Delays, sinceMs: number): number {
  const betweenMs = delays.count === 0 ? sinceMs : delays.percentile(99) / NANOS_PER_MS
  return Math.max(0, betweenMs - RESOLUTION_MS)
}

function heapShare(): number {
  // Not by an import: a start has no time for it before the first look.
  const heap = process.getBuiltinModule('node:v8').getHeapStatistics()
  // Bodies lie outside of the heap, and in the same memory.
  return (heap.used_heap_size + heap.external_memory) / heap.heap_size_limit
}
