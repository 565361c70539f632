import type { MachineFacts } from './machine.ts'
import type { Block, LevelRounds, Round } from './measure.ts'
import { type ScenarioId, type VariantName, variantNames } from './options.ts'
import type { LoadScenario } from './scenarios.ts'
import { type Spread, spreadOf } from './statistics.ts'
import type { TargetResult } from './targets.ts'

/** The JSON document of a run. Field names are its public shape, hence their snake case. */
export type Report = {
  readonly machine: MachineFacts
  readonly method: {
    readonly rounds: number
    readonly block_seconds: number
    readonly warmup_seconds: number
    readonly pinned: string
    readonly gateway: string
  }
  readonly levels: readonly LevelReport[]
  readonly cold_starts: readonly ColdStartReport[]
  readonly targets: readonly TargetResult[]
}

/** One scenario at one number of connections; ratios are medians of per-round ratios. */
export type LevelReport = {
  readonly scenario: ScenarioId
  readonly connections: number
  readonly rounds: number
  readonly discarded: number
  readonly noisy: boolean
  /** Processor time per request of the gateway's data worker over that of nginx's worker; null when not comparable. */
  readonly cpu_ratio_to_nginx: number | null
  /** The same for the whole of both programs. */
  readonly cpu_ratio_to_nginx_process: number | null
  /** The same over the main thread of the bare relay in Node. */
  readonly cpu_ratio_to_relay: number | null
  readonly variants: { readonly [Name in VariantName]?: VariantReport }
}

/** One variant at one level, over the rounds that count. */
export type VariantReport = {
  readonly requests_per_second: Spread
  readonly p50_ms: Spread
  readonly p99_ms: Spread
  readonly cpu_micros_data: Spread | null
  readonly cpu_micros_process: Spread | null
  readonly cpu_micros_data_per_event: number | null
  /** Largest resident size at the end of a block, in megabytes of 10⁶ bytes. */
  readonly rss_mb: number | null
  /** Busy share of the measured processor. */
  readonly busy: number | null
  readonly failures: number
  readonly ratios: {
    readonly cpu_data_to_nginx: Spread | null
    readonly cpu_process_to_nginx: Spread | null
    readonly cpu_data_to_relay: Spread | null
    readonly cpu_process_to_relay: Spread | null
    readonly requests_per_second_to_nginx: Spread | null
    readonly p99_to_direct: Spread | null
  }
}

/** One way of starting the gateway, in milliseconds from spawn and megabytes of 10⁶ bytes. */
export type ColdStartReport = {
  readonly way: string
  readonly starts: number
  readonly first_answer_ms: Spread
  readonly idle_rss_mb: Spread
  readonly idle_pss_mb: Spread
}

/** Condenses the rounds of one level. */
export const summarizeLevel = (scenario: LoadScenario, connections: number, level: LevelRounds): LevelReport => {
  const variants: { [Name in VariantName]?: VariantReport } = {}
  for (const name of variantNames) {
    if (level.failures.has(name)) variants[name] = summarizeVariant(name, scenario, level)
  }
  const gateway = variants.gateway
  const relayed = gateway?.failures === 0 && variants.relay?.failures === 0
  const comparable = gateway?.failures === 0 && variants.nginx?.failures === 0
  return {
    scenario: scenario.id,
    connections,
    rounds: level.kept.length,
    discarded: level.discarded,
    noisy: level.noisy,
    cpu_ratio_to_nginx: comparable ? (gateway.ratios.cpu_data_to_nginx?.median ?? null) : null,
    cpu_ratio_to_nginx_process: comparable ? (gateway.ratios.cpu_process_to_nginx?.median ?? null) : null,
    cpu_ratio_to_relay: relayed ? (gateway.ratios.cpu_data_to_relay?.median ?? null) : null,
    variants,
  }
}

const summarizeVariant = (name: VariantName, scenario: LoadScenario, level: LevelRounds): VariantReport => {
  const blocks = level.kept.map((round) => blockOf(round, name)).filter((block) => block !== null)
  const each = (value: (block: Block) => number | null): Spread | null =>
    spreadOf(blocks.map((block) => value(block) ?? Number.NaN))
  const ratio = (other: VariantName, value: (block: Block) => number | null): Spread | null =>
    spreadOf(
      level.kept.map((round) => {
        const [own, reference] = [blockOf(round, name), blockOf(round, other)]
        if (own === null || reference === null) return Number.NaN
        return (value(own) ?? Number.NaN) / (value(reference) ?? Number.NaN)
      }),
    )
  const dataMicros = each((block) => block.dataMicros)
  const rss = each((block) => block.rssBytes)
  return {
    requests_per_second: each((block) => block.requestsPerSecond)!,
    p50_ms: each((block) => block.p50Ms)!,
    p99_ms: each((block) => block.p99Ms)!,
    cpu_micros_data: dataMicros,
    cpu_micros_process: each((block) => block.processMicros),
    cpu_micros_data_per_event:
      dataMicros === null || scenario.events === null ? null : dataMicros.median / scenario.events,
    rss_mb: rss === null ? null : rss.high / 1e6,
    busy: each((block) => block.busy)?.median ?? null,
    failures: level.failures.get(name) ?? 0,
    ratios: {
      cpu_data_to_nginx: ratio('nginx', (block) => block.dataMicros),
      cpu_process_to_nginx: ratio('nginx', (block) => block.processMicros),
      cpu_data_to_relay: ratio('relay', (block) => block.dataMicros),
      cpu_process_to_relay: ratio('relay', (block) => block.processMicros),
      requests_per_second_to_nginx: ratio('nginx', (block) => block.requestsPerSecond),
      p99_to_direct: ratio('direct', (block) => block.p99Ms),
    },
  }
}

const blockOf = (round: Round, name: VariantName): Block | null => round.find((block) => block.variant === name) ?? null
