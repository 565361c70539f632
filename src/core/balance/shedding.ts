/** What one look at the process found. */
export interface LoadSample {
  /** How late the event loop ran its timers, 99th percentile since the last look, milliseconds. */
  readonly lagMs: number
  /** Share of the heap's limit that is in use, 0 to 1. */
  readonly heapShare: number
}

/** A level begins at `enter` and ends below `leave`; in between it stays what it is. */
export interface Threshold {
  readonly enter: number
  readonly leave: number
}

export interface SheddingRules {
  /** Strained: connections are closed after their answer, and requests of low priority are refused. */
  readonly strained: { readonly lagMs: Threshold; readonly heapShare: Threshold }
  /** Overloaded: those of normal priority are refused too. */
  readonly overloaded: { readonly lagMs: Threshold; readonly heapShare: Threshold }
  /** Samples in a row above `enter` that begin a level: one pause, for the garbage or by a neighbour, is no overload. */
  readonly samplesToEnter: number
  /** Samples in a row below `leave` that end it. */
  readonly samplesToLeave: number
}

/** The sample with which each level begins. */
export type SheddingLevels = Readonly<Record<'strained' | 'overloaded', LoadSample>>

/** A level ends at half of the lag that begins it, and this much below its share of the heap. */
const HEAP_STEP = 0.05

/** The rules in which the levels begin at these samples. */
export function sheddingRules({ strained, overloaded }: SheddingLevels): SheddingRules {
  const thresholds = ({ lagMs, heapShare }: LoadSample) => ({
    lagMs: { enter: lagMs, leave: lagMs / 2 },
    heapShare: { enter: heapShare, leave: heapShare - HEAP_STEP },
  })
  return { strained: thresholds(strained), overloaded: thresholds(overloaded), samplesToEnter: 2, samplesToLeave: 4 }
}

/** `critical` is never refused: health, readiness, metrics. */
export type Priority = 'critical' | 'normal' | 'low'

export const LOAD_LEVELS = ['normal', 'strained', 'overloaded'] as const
export type LoadLevel = (typeof LOAD_LEVELS)[number]

/** From which level on a priority is refused. */
const REFUSED_FROM: Readonly<Record<Priority, number>> = { low: 1, normal: 2, critical: Number.POSITIVE_INFINITY }

/**
 * Decides which requests a thread refuses when it has more work than it can do: better 503 for some at once than late
 * answers for all. The verdict changes with samples only, so that asking it costs nothing.
 */
export class LoadShedder {
  readonly #rules: SheddingRules
  #level = 0
  #above = 0
  #below = 0

  constructor(rules: SheddingRules) {
    this.#rules = rules
  }

  get level(): LoadLevel {
    return LOAD_LEVELS[this.#level] ?? 'normal'
  }

  /** Answers should close their connection, so that clients find another thread or replica. */
  get closesConnections(): boolean {
    return this.#level > 0
  }

  admits(priority: Priority): boolean {
    return this.#level < REFUSED_FROM[priority]
  }

  /** Learns how loaded the thread is; true when the level changed. It rises at once to what the samples show, and falls step by step. */
  enter(sample: LoadSample): boolean {
    const before = this.#level
    const shown = this.#reached(sample, 'enter')
    this.#above = shown > before ? this.#above + 1 : 0
    this.#below = this.#reached(sample, 'leave') < before ? this.#below + 1 : 0
    if (this.#above >= this.#rules.samplesToEnter) this.#set(shown)
    else if (this.#below >= this.#rules.samplesToLeave) this.#set(before - 1)
    return this.#level !== before
  }

  #set(level: number): void {
    this.#level = level
    this.#above = 0
    this.#below = 0
  }

  /** The highest level of which the sample reaches one threshold. */
  #reached(sample: LoadSample, side: keyof Threshold): number {
    const { strained, overloaded } = this.#rules
    if (sample.lagMs >= overloaded.lagMs[side] || sample.heapShare >= overloaded.heapShare[side]) return 2
    return sample.lagMs >= strained.lagMs[side] || sample.heapShare >= strained.heapShare[side] ? 1 : 0
  }
}
