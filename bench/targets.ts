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
