import type { Labels } from './row.ts'

/**
 * Prometheus text exposition format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/, read 2026-11).
 */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const MAX_LABEL_CHARACTERS = 128

/** Labels sorted by name, with values of at most 128 characters of well-formed text. */
export function boundLabels(labels: Labels): Labels {
  const sorted: Record<string, string> = {}
  for (const name of Object.keys(labels).sort()) {
    sorted[name] = (labels[name] ?? '').slice(0, MAX_LABEL_CHARACTERS).toWellFormed()
  }
  return sorted
}

/** Labels as the format writes them, `{a="b",c="d"}`, or nothing when there are none. Also their identity. */
export function labelsKey(labels: Labels, extra?: readonly [name: string, value: string]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`)
  if (extra !== undefined) pairs.push(`${extra[0]}="${extra[1]}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** The HELP and TYPE lines of a metric. */
export function metricHead(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
}

/** One sample line. */
export function sampleLine(name: string, labels: string, value: number): string {
  return `${name}${labels} ${formatValue(value)}\n`
}

/** A number as the format wants it, with its own words for what is not finite. */
export function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
