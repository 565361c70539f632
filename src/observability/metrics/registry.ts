import {
  cellsOf,
  DROPPED_SERIES_CELL,
  FIRST_SERIES_CELL,
  type Labels,
  type Metric,
  type MetricType,
  OVERFLOW_CELL,
  type SeriesDescriptor,
} from './row.ts'
import { boundLabels, labelsKey } from './text.ts'

/** What a registry is made of. */
export interface RegistryOptions {
  /** From `createMetricsRow`. */
  readonly row: SharedArrayBuffer
  /** Called once for every new series, so that the other side can read the row. */
  readonly onSeries: (series: SeriesDescriptor) => void
  /** Series that one metric may have; further ones go to the overflow series. Default 2,000. */
  readonly maxSeriesPerMetric?: number
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const NO_BOUNDS: readonly number[] = []

/**
 * Hands out slots of one worker's row when a plan is compiled, and writes them while requests are served: one or two
 * typed array operations, nothing allocated. A full row never throws: new series go to the overflow series.
 */
export class MetricsRegistry {
  readonly #cells: Float64Array
  readonly #onSeries: (series: SeriesDescriptor) => void
  readonly #maxSeriesPerMetric: number
  readonly #slots = new Map<string, number>()
  readonly #types = new Map<string, MetricType>()
  readonly #seriesPerMetric = new Map<string, number>()
  /** By histogram slot; the first is the overflow histogram. */
  readonly #firstCells: number[] = [OVERFLOW_CELL]
  readonly #bounds: (readonly number[])[] = [NO_BOUNDS]
  #nextCell = FIRST_SERIES_CELL

  constructor(options: RegistryOptions) {
    this.#cells = new Float64Array(options.row)
    this.#onSeries = options.onSeries
    this.#maxSeriesPerMetric = options.maxSeriesPerMetric ?? 2_000
  }

  /** Slot of a counter; the same name and labels give the same slot. Throws on a malformed name or a second type. */
  counter(metric: Metric, labels: Labels = {}): number {
    return this.#slot(metric, 'counter', labels, NO_BOUNDS)
  }

  /** Slot of a gauge; the collector shows the sum over the workers that live. */
  gauge(metric: Metric, labels: Labels = {}): number {
    return this.#slot(metric, 'gauge', labels, NO_BOUNDS)
  }

  /** Slot for `observe`, not for `add`. `bounds` are the buckets' upper bounds, ascending, without +Inf. */
  histogram(metric: Metric, labels: Labels, bounds: readonly number[]): number {
    return this.#slot(metric, 'histogram', labels, bounds)
  }

  /** Adds to a counter or gauge. */
  add(slot: number, amount: number): void {
    const cells = this.#cells
    cells[slot] = (cells[slot] as number) + amount // a slot is a cell of the row
  }

  /** Sets a gauge. */
  set(slot: number, value: number): void {
    this.#cells[slot] = value
  }

  /** Counts one value into a histogram. */
  observe(slot: number, value: number): void {
    const cells = this.#cells
    const bounds = this.#bounds[slot] ?? NO_BOUNDS
    const first = this.#firstCells[slot] ?? OVERFLOW_CELL
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++
    cells[first + bucket] = (cells[first + bucket] as number) + 1 // within the histogram's cells
    const sum = first + bounds.length + 1
    cells[sum] = (cells[sum] as number) + value // the histogram's last cell
  }

  #slot(metric: Metric, type: MetricType, labels: Labels, bounds: readonly number[]): number {
    const bounded = boundLabels(labels)
    const key = metric.name + labelsKey(bounded)
    const known = this.#slots.get(key)
    if (known !== undefined && this.#types.get(metric.name) === type) return known
    this.#check(metric, type, bounded, bounds)

    const series = this.#seriesPerMetric.get(metric.name) ?? 0
    const size = cellsOf(type, bounds)
    if (series >= this.#maxSeriesPerMetric || this.#nextCell + size > this.#cells.length) {
      // Not remembered: the memory of names must be bounded too. Counts each time that a place is asked for.
      this.add(DROPPED_SERIES_CELL, 1)
      return type === 'histogram' ? 0 : OVERFLOW_CELL
    }
    const first = this.#nextCell
    this.#nextCell += size
    this.#seriesPerMetric.set(metric.name, series + 1)
    let slot = first
    if (type === 'histogram') {
      slot = this.#firstCells.push(first) - 1
      this.#bounds.push(bounds)
    }
    this.#slots.set(key, slot)
    this.#onSeries({ name: metric.name, help: metric.help, type, labels: bounded, slot: first, bounds })
    return slot
  }

  #check(metric: Metric, type: MetricType, labels: Labels, bounds: readonly number[]): void {
    const known = this.#types.get(metric.name)
    if (known !== undefined && known !== type) {
      throw new TypeError(`metric ${metric.name} is a ${known} already, it cannot be a ${type} too`)
    }
    for (const name of [metric.name, ...Object.keys(labels)]) {
      if (!NAME.test(name)) throw new TypeError(`metric ${metric.name}: ${JSON.stringify(name)} is not a valid name`)
    }
    for (let i = 1; i < bounds.length; i++) {
      // Both indices are within the list.
      if ((bounds[i] as number) <= (bounds[i - 1] as number)) {
        throw new TypeError(`metric ${metric.name}: bucket bounds must ascend`)
      }
    }
    this.#types.set(metric.name, type)
  }
}
