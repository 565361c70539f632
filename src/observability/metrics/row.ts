/**
 * A metrics row: the cells of one data worker in shared memory. The worker alone writes, the control thread alone sums.
 *
 *     cell 0     series that found no place
 *     cell 1, 2  the overflow series: what was added to those series (2 is the sum of an overflown histogram)
 *     cell 3…    counter, gauge    1 cell
 *                histogram         one cell per bucket (not cumulative), one for +Inf, one for the sum
 *
 * Cells are plain Float64 without atomics: one writer, and an aligned 64-bit store is one instruction on the
 * platforms that are served (x64, arm64), so that a reader sees the value before or after, never half of it.
 */

/** Cell that counts the series for which there was no place. */
export const DROPPED_SERIES_CELL = 0
/** Cell of the overflow series. */
export const OVERFLOW_CELL = 1
/** First cell that a series may have. */
export const FIRST_SERIES_CELL = 3
/** Cells of a row unless told: 128 KiB, of which untouched pages cost no memory. */
export const DEFAULT_ROW_CELLS = 16_384

/** Makes a row of zeroes; shared with the worker that writes it. */
export function createMetricsRow(cells: number = DEFAULT_ROW_CELLS): SharedArrayBuffer {
  return new SharedArrayBuffer(Math.max(cells, FIRST_SERIES_CELL) * Float64Array.BYTES_PER_ELEMENT)
}

/** Cells that a series needs. */
export function cellsOf(type: MetricType, bounds: readonly number[]): number {
  return type === 'histogram' ? bounds.length + 2 : 1
}

/** The Prometheus types that are used. */
export type MetricType = 'counter' | 'gauge' | 'histogram'

/** A metric's name and help text. */
export interface Metric {
  readonly name: string
  readonly help: string
}

/** Label names and values of a series; the order does not matter. */
export type Labels = Readonly<Record<string, string>>

/** Says which cells of a row are which series; plain data, posted from a worker to the control thread. */
export interface SeriesDescriptor extends Metric {
  readonly type: MetricType
  readonly labels: Labels
  /** First cell in the worker's row. */
  readonly slot: number
  /** Upper bounds of a histogram's buckets, ascending, without +Inf; empty for other types. */
  readonly bounds: readonly number[]
}
