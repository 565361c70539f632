import type { ColdStartReport, LevelReport, Report, VariantReport } from './results.ts'
import type { Spread } from './statistics.ts'

/** A run as tables for a terminal. */
export const renderText = (report: Report): string => {
  const { machine, method } = report
  const sections = [
    `${machine.processor}, ${machine.processors} processors, kernel ${machine.kernel}; Node ${machine.node}, ` +
      `${machine.nginx}, ${machine.wrk}; commit ${machine.commit}; ${machine.date}\n` +
      `${method.rounds} rounds of ${method.block_seconds} s blocks after ${method.warmup_seconds} s of warm-up; ` +
      `${method.pinned}; gateway: ${method.gateway}`,
    ...report.levels.map(renderLevel),
    ...(report.cold_starts.length === 0 ? [] : [renderColdStarts(report.cold_starts)]),
    renderTargets(report),
  ]
  return `${sections.join('\n\n')}\n`
}

const renderLevel = (level: LevelReport): string => {
  const streamed = Object.values(level.variants).some((variant) => variant.cpu_micros_data_per_event !== null)
  const head = ['', 'req/s', 'p50 ms', 'p99 ms', 'CPU data µs', 'CPU all µs', 'RSS MB', 'busy', 'failed']
  const ratios = ['data/nginx', 'all/nginx', 'data/relay', 'all/relay', 'req/s/nginx', 'p99/direct']
  const rows = Object.entries(level.variants).map(([name, variant]) => [
    name,
    variant.requests_per_second.median.toFixed(0),
    variant.p50_ms.median.toFixed(2),
    variant.p99_ms.median.toFixed(2),
    number(variant.cpu_micros_data?.median, 1),
    number(variant.cpu_micros_process?.median, 1),
    number(variant.rss_mb, 0),
    variant.busy === null ? '-' : `${(variant.busy * 100).toFixed(0)} %`,
    String(variant.failures),
    ...ratioCells(variant),
    ...(streamed ? [number(variant.cpu_micros_data_per_event, 2)] : []),
  ])
  const rounds =
    `${level.rounds} rounds counted, ${level.discarded} discarded` +
    (level.noisy ? '; NOISY: most rounds were disturbed, so all are counted' : '')
  return (
    `${level.scenario}, ${level.connections} connections (${rounds})\n` +
    table([[...head, ...ratios, ...(streamed ? ['µs/event'] : [])], ...rows])
  )
}

// A cell with failures proves nothing about cost: its ratios are refused.
const ratioCells = (variant: VariantReport): readonly string[] =>
  variant.failures > 0
    ? ['refused', 'refused', 'refused', 'refused', 'refused', 'refused']
    : [
        range(variant.ratios.cpu_data_to_nginx),
        range(variant.ratios.cpu_process_to_nginx),
        range(variant.ratios.cpu_data_to_relay),
        range(variant.ratios.cpu_process_to_relay),
        range(variant.ratios.requests_per_second_to_nginx),
        range(variant.ratios.p99_to_direct),
      ]

const renderColdStarts = (starts: readonly ColdStartReport[]): string =>
  `S10, start of the process (median of ${starts[0]?.starts ?? 0}, smallest–largest)\n` +
  table([
    ['', 'first answer ms', 'idle RSS MB', 'idle PSS MB'],
    ...starts.map((start) => [
      start.way,
      range(start.first_answer_ms, 0),
      range(start.idle_rss_mb, 1),
      range(start.idle_pss_mb, 1),
    ]),
  ])

const renderTargets = (report: Report): string => {
  const lines = report.targets.map(({ target, measured, met }) =>
    met === null ? `  not measured  ${target}` : `  ${met ? 'met   ' : 'MISSED'}  ${target} (${number(measured, 2)})`,
  )
  return `Targets\n${lines.join('\n')}`
}

const range = (spread: Spread | null, digits = 2): string =>
  spread === null
    ? '-'
    : `${spread.median.toFixed(digits)} (${spread.low.toFixed(digits)}–${spread.high.toFixed(digits)})`

const number = (value: number | null | undefined, digits: number): string =>
  value === null || value === undefined ? '-' : value.toFixed(digits)

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map((row) => {
      const cells = row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      return `  ${cells.join('  ')}`
    })
    .join('\n')
}
