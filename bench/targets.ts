import type { ScenarioId } from './options.ts'
import type { ColdStartReport, LevelReport } from './results.ts'

/** A bound that the gateway is held to, and what this run says of it. */
export type TargetResult = {
  readonly target: string
  readonly bound: number
  /** Null when this run did not measure it. */
  readonly measured: number | null
  readonly met: boolean | null
}

type Target = {
  readonly text: string
  readonly kind: 'at most' | 'at least'
  readonly bound: number
  readonly read: (levels: readonly LevelReport[], starts: readonly ColdStartReport[]) => number | null | undefined
}

/** The way of starting that the cold start targets speak of. */
export const targetWay = 'emitted JavaScript, warm compile cache'

/** A bound on processor time per request, for the data worker and for the whole process. */
const processorTargets = (
  text: string,
  of: { readonly scenario: ScenarioId; readonly connections: number; readonly times: 'nginx' | 'relay' },
  bound: number,
): readonly Target[] =>
  (['data', 'process'] as const).map((part) => ({
    text: `${text}: ${part === 'data' ? 'data worker' : 'whole process'} CPU, times ${of.times === 'nginx' ? 'nginx' : 'the bare relay'}`,
    kind: 'at most',
    bound,
    read: (levels) => {
      const { gateway, [of.times]: other } = level(levels, of.scenario, of.connections)?.variants ?? {}
      if (gateway?.failures !== 0 || other?.failures !== 0) return null
      return gateway.ratios[`cpu_${part}_to_${of.times}`]?.median
    },
  }))

const targets: readonly Target[] = [
  {
    text: 'S2, 64 connections: data worker CPU per request, times nginx',
    kind: 'at most',
    bound: 3,
    read: (levels) => level(levels, 'S2', 64)?.cpu_ratio_to_nginx,
  },
  {
    text: 'S2, 64 connections: whole process CPU per request, times nginx',
    kind: 'at most',
    bound: 3.5,
    read: (levels) => level(levels, 'S2', 64)?.cpu_ratio_to_nginx_process,
  },
  {
    text: 'S1, 500 connections: p99, times the direct run',
    kind: 'at most',
    bound: 1.3,
    read: (levels) => gateway(levels, 500)?.ratios.p99_to_direct?.median,
  },
  {
    text: 'S1, 1000 connections: failed requests',
    kind: 'at most',
    bound: 0,
    read: (levels) => gateway(levels, 1000)?.failures,
  },
  {
    text: 'S1, 1000 connections: requests per second, times nginx',
    kind: 'at least',
    bound: 0.8,
    read: (levels) => gateway(levels, 1000)?.ratios.requests_per_second_to_nginx?.median,
  },
  ...processorTargets('C1, answers of 1 KB', { scenario: 'C1', connections: 64, times: 'nginx' }, 2.5),
  ...processorTargets('C2, answers of 100 KB', { scenario: 'C2', connections: 16, times: 'relay' }, 1.2),
  ...processorTargets('C3a, requests of 100 KB', { scenario: 'C3a', connections: 16, times: 'relay' }, 1.2),
  ...processorTargets('C3b, requests of 1 MB', { scenario: 'C3b', connections: 8, times: 'relay' }, 1.2),
  ...processorTargets('C4a, events in a burst', { scenario: 'C4a', connections: 64, times: 'nginx' }, 2),
  ...processorTargets('C4b, events one by one', { scenario: 'C4b', connections: 64, times: 'nginx' }, 2),
  {
    text: `S10, ${targetWay}: first answer, ms`,
    kind: 'at most',
    bound: 400,
    read: (_levels, starts) => starts.find((start) => start.way === targetWay)?.first_answer_ms.median,
  },
  {
    text: `S10, ${targetWay}: idle RSS, MB`,
    kind: 'at most',
    bound: 115,
    read: (_levels, starts) => starts.find((start) => start.way === targetWay)?.idle_rss_mb.median,
  },
]

/** Judges a run by the targets it measured. */
export const judgeTargets = (
  levels: readonly LevelReport[],
  starts: readonly ColdStartReport[],
): readonly TargetResult[] =>
  targets.map(({ text, kind, bound, read }) => {
    const measured = read(levels, starts) ?? null
    const met = measured === null ? null : kind === 'at most' ? measured <= bound : measured >= bound
    return { target: `${text}: ${kind} ${bound}`, bound, measured, met }
  })

const level = (levels: readonly LevelReport[], scenario: string, connections: number): LevelReport | undefined =>
  levels.find((each) => each.scenario === scenario && each.connections === connections)

const gateway = (levels: readonly LevelReport[], connections: number) =>
  level(levels, 'S1', connections)?.variants.gateway
