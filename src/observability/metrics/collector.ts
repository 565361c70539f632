import { compareText } from '../../lib/index.ts'
import {
  cellsOf,
  DROPPED_SERIES_CELL,
  type Labels,
  type Metric,
  type MetricType,
  OVERFLOW_CELL,
  type SeriesDescriptor,
} from './row.ts'
import { boundLabels, formatValue, labelsKey, metricHead, sampleLine } from './text.ts'

/** One sample that is read when the text is rendered. */
export interface Sample {
  readonly labels: Labels
  readonly value: number
}

interface Series {
  readonly labels: string
  readonly rawLabels: Labels
  readonly bounds: readonly number[]
  /** What workers that are gone had counted; as many cells as the series has. */
  readonly kept: Float64Array
}

interface Family extends Metric {
  readonly type: MetricType
  readonly series: Map<string, Series>
}

interface WorkerRow {
  readonly cells: Float64Array
  /** First cell of each series in this worker's row. */
  readonly slots: Map<Series, number>
}

interface Source extends Metric {
  readonly type: 'counter' | 'gauge'
  readonly read: () => number | readonly Sample[]
  /** Told of samples that were left out. */
  readonly cut: (count: number) => void
}

const DROPPED: Metric = {
  name: 'ferro_metrics_dropped_series_total',
  help: 'Times that a series found no place in the metrics memory and went to the overflow series.',
}
const OVERFLOW: Metric = {
  name: 'ferro_metrics_overflow_total',
  help: 'Sum of all that was added to series without a place, whatever their unit.',
}
const MAX_SAMPLES_PER_SOURCE = 10_000

/**
 * The control thread's side: sums the rows of all workers and renders Prometheus text. What a worker counted stays
 * when it is gone, so that counters never go back; its gauges disappear with it.
 */
export class MetricsCollector {
  readonly #families = new Map<string, Family>()
  readonly #workers = new Map<number, WorkerRow>()
  readonly #sources = new Map<string, Source>()
  /** The most samples that were left out at once, by source: a counter must not count the same one at each rendering. */
  readonly #cutSamples = new Map<string, number>()
  #keptDropped = 0
  #keptOverflow = 0

  /** Starts to read a worker's row. A worker of the same number that is still attached is detached first. */
  attach(worker: number, row: SharedArrayBuffer): void {
    this.detach(worker)
    this.#workers.set(worker, { cells: new Float64Array(row), slots: new Map() })
  }

  /** Takes in a series that a worker announced; ignored when the worker is not attached (it died on the way). */
  describe(worker: number, descriptor: SeriesDescriptor): void {
    const row = this.#workers.get(worker)
    if (row === undefined) return
    const family = this.#family(descriptor, descriptor.type)
    if (family.type !== descriptor.type) return
    const labels = labelsKey(descriptor.labels)
    let series = family.series.get(labels)
    if (series === undefined) {
      const kept = new Float64Array(cellsOf(descriptor.type, descriptor.bounds))
      series = { labels, rawLabels: descriptor.labels, bounds: descriptor.bounds, kept }
      family.series.set(labels, series)
    }
    if (series.bounds.length === descriptor.bounds.length) row.slots.set(series, descriptor.slot)
  }

  /** Forgets a worker that is gone, and keeps what it had counted. Its row may be used for something else afterwards. */
  detach(worker: number): void {
    const row = this.#workers.get(worker)
    if (row === undefined) return
    this.#workers.delete(worker)
    this.#keptDropped += row.cells[DROPPED_SERIES_CELL] ?? 0
    this.#keptOverflow += row.cells[OVERFLOW_CELL] ?? 0
    for (const family of this.#families.values()) {
      if (family.type === 'gauge') continue
      for (const series of family.series.values()) addCells(series.kept, row, series)
    }
  }

  /** A gauge of the control thread itself, read when the text is rendered; a second one of that name replaces it. */
  gauge(metric: Metric, read: () => number | readonly Sample[]): void {
    this.#sources.set(metric.name, {
      name: metric.name,
      help: metric.help,
      type: 'gauge',
      read,
      cut: this.#cut(metric.name),
    })
  }

  /** A counter of the control thread itself, read when the text is rendered. */
  counter(metric: Metric, read: () => number | readonly Sample[]): void {
    this.#sources.set(metric.name, {
      name: metric.name,
      help: metric.help,
      type: 'counter',
      read,
      cut: this.#cut(metric.name),
    })
  }

  /** All series as Prometheus text 0.0.4, in an order that does not change from scrape to scrape. */
  render(): string {
    const blocks: [name: string, text: string][] = []
    for (const family of this.#families.values()) {
      // A name belongs to the workers once they announced it: two blocks of one name are invalid text.
      const text = this.#renderFamily(family)
      if (text !== '') blocks.push([family.name, metricHead(family.name, family.help, family.type) + text])
    }
    const renderOf = (source: Source) => {
      if (!this.#families.has(source.name)) blocks.push([source.name, renderSource(source)])
    }
    for (const source of this.#sources.values()) renderOf(source)
    // Last: they count what the others left out.
    for (const source of this.#ownSources()) renderOf(source)
    return blocks
      .sort((a, b) => compareText(a[0], b[0]))
      .map(([, text]) => text)
      .join('')
  }

  #family(metric: Metric, type: MetricType): Family {
    let family = this.#families.get(metric.name)
    if (family === undefined) {
      family = { name: metric.name, help: metric.help, type, series: new Map() }
      this.#families.set(metric.name, family)
    }
    return family
  }

  #renderFamily(family: Family): string {
    let text = ''
    for (const series of [...family.series.values()].sort((a, b) => compareText(a.labels, b.labels))) {
      const total = Float64Array.from(series.kept)
      let living = false
      for (const row of this.#workers.values()) living = addCells(total, row, series) || living
      if (family.type === 'histogram') text += renderHistogram(family.name, series, total)
      else if (family.type === 'counter' || living) text += sampleLine(family.name, series.labels, total[0] ?? 0)
    }
    return text
  }

  #cut(name: string): (count: number) => void {
    return (count) => this.#cutSamples.set(name, Math.max(count, this.#cutSamples.get(name) ?? 0))
  }

  #ownSources(): Source[] {
    let dropped = this.#keptDropped
    for (const count of this.#cutSamples.values()) dropped += count
    let overflow = this.#keptOverflow
    for (const row of this.#workers.values()) {
      dropped += row.cells[DROPPED_SERIES_CELL] ?? 0
      overflow += row.cells[OVERFLOW_CELL] ?? 0
    }
    return [
      { ...DROPPED, type: 'counter', read: () => dropped, cut: ignore },
      { ...OVERFLOW, type: 'counter', read: () => overflow, cut: ignore },
    ]
  }
}

function addCells(into: Float64Array, row: WorkerRow, series: Series): boolean {
  const slot = row.slots.get(series)
  if (slot === undefined) return false
  for (let i = 0; i < into.length; i++) into[i] = (into[i] ?? 0) + (row.cells[slot + i] ?? 0)
  return true
}

function renderHistogram(name: string, series: Series, cells: Float64Array): string {
  let text = ''
  let count = 0
  for (let i = 0; i <= series.bounds.length; i++) {
    count += cells[i] ?? 0
    const bound = formatValue(series.bounds[i] ?? Number.POSITIVE_INFINITY)
    text += sampleLine(`${name}_bucket`, labelsKey(series.rawLabels, ['le', bound]), count)
  }
  text += sampleLine(`${name}_sum`, series.labels, cells[cells.length - 1] ?? 0)
  return text + sampleLine(`${name}_count`, series.labels, count)
}

function renderSource(source: Source): string {
  const value = source.read()
  const head = metricHead(source.name, source.help, source.type)
  if (typeof value === 'number') return head + sampleLine(source.name, '', value)
  const lines = new Map<string, string>()
  for (const sample of value) {
    if (lines.size >= MAX_SAMPLES_PER_SOURCE) {
      source.cut(value.length - lines.size)
      break
    }
    const labels = labelsKey(boundLabels(sample.labels))
    lines.set(labels, sampleLine(source.name, labels, sample.value))
  }
  return (
    head +
    [...lines.keys()]
      .sort(compareText)
      .map((labels) => lines.get(labels))
      .join('')
  )
}

function ignore(): void {
  // A single number is never cut.
}
