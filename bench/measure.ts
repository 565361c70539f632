import { setTimeout as delay } from 'node:timers/promises'
import { type LoadResult, runLoad } from './load.ts'
import { processorShares, readProcessors } from './machine.ts'
import type { VariantName } from './options.ts'
import { elapsedNanos, readMemory, readThreadTimes } from './processor-time.ts'
import type { LoadScenario } from './scenarios.ts'
import { median, shuffled } from './statistics.ts'
import type { Stage, Variant } from './variants.ts'

/** One variant under load for a few seconds. */
export type Block = LoadResult & {
  readonly variant: VariantName
  /** Microseconds on a processor per request in the threads that carry requests; null for the direct run. */
  readonly dataMicros: number | null
  /** The same for all threads, including work for these requests that was finished after the load had ended. */
  readonly processMicros: number | null
  readonly rssBytes: number | null
  /** Busy share of the measured processor while the load ran; null when nothing is pinned. */
  readonly busy: number | null
  /** Share of the measured processor taken by programs that are no part of this run. */
  readonly foreign: number
  readonly steal: number
}

/** The same moments of all variants, in random order. */
export type Round = readonly Block[]

/** What came of one level: the rounds that count, how many did not, and whether too few did. */
export type LevelRounds = {
  readonly kept: readonly Round[]
  readonly discarded: number
  /** True when most rounds were disturbed, so that all are kept and the figures are rough. */
  readonly noisy: boolean
  /** Failures per variant over all rounds, the discarded included. */
  readonly failures: ReadonlyMap<VariantName, number>
}

const stealLimit = 0.02
const foreignLimit = 0.1
const baselineTolerance = 0.15

/** Warms all variants at one number of connections, then runs rounds until enough are undisturbed. */
export const measureLevel = async (
  stage: Stage,
  scenario: LoadScenario,
  connections: number,
  variants: readonly Variant[],
): Promise<LevelRounds> => {
  const { rounds, blockSeconds, warmupSeconds } = stage.options
  for (const variant of variants) {
    const seconds = variant.processId === null ? 1 : warmupSeconds
    const load = { ...scenario, url: variant.url, connections: Math.max(connections, 32), seconds }
    await runLoad(stage, load)
    variant.afterBlock()
  }
  const tried: Round[] = []
  while (tried.length < 2 * rounds && undisturbed(tried).length < rounds) {
    const blocks: Block[] = []
    for (const variant of shuffled(variants)) {
      const load = { ...scenario, url: variant.url, connections, seconds: blockSeconds }
      blocks.push(await measureBlock(stage, variant, load))
    }
    tried.push(blocks)
  }
  const good = undisturbed(tried)
  const noisy = good.length * 2 < Math.min(tried.length, rounds)
  const failures = new Map<VariantName, number>()
  for (const block of tried.flat()) failures.set(block.variant, (failures.get(block.variant) ?? 0) + block.failures)
  return { kept: noisy ? tried : good, discarded: noisy ? 0 : tried.length - good.length, noisy, failures }
}

const measureBlock = async (stage: Stage, variant: Variant, load: Parameters<typeof runLoad>[1]): Promise<Block> => {
  const { processId } = variant
  await quiet(processId)
  const threadsBefore = processId === null ? new Map() : readThreadTimes(processId)
  const processorsBefore = readProcessors()
  const result = await runLoad(stage, load)
  const shares = processorShares(processorsBefore, readProcessors())
  const duringLoad = processId === null ? new Map() : readThreadTimes(processId)
  const rssBytes = processId === null ? null : readMemory(processId).rssBytes
  await quiet(processId)
  const threadsAfter = processId === null ? new Map() : readThreadTimes(processId)
  variant.afterBlock()

  const pin = stage.tools.taskset === null ? null : stage.options.pin
  const busy = pin === null ? null : (shares.busy[pin.measured] ?? 0)
  const own = elapsedNanos(threadsBefore, duringLoad, () => true) / (load.seconds * 1e9)
  const dataNanos = elapsedNanos(threadsBefore, threadsAfter, variant.isDataThread)
  if (processId !== null && dataNanos === 0) throw new Error(`${variant.name} has no thread known to carry requests`)
  return {
    ...result,
    variant: variant.name,
    dataMicros: processId === null ? null : dataNanos / 1000 / result.requests,
    processMicros:
      processId === null ? null : elapsedNanos(threadsBefore, threadsAfter, () => true) / 1000 / result.requests,
    rssBytes,
    busy,
    foreign: busy === null ? 0 : Math.max(0, busy - own),
    steal: shares.steal,
  }
}

/**
 * Resolves when a process tree has used less than a twentieth of a processor for two quarter seconds in a row, or
 * after twenty seconds. Work put off while the load ran (ingest, logs) is thus charged to the block that caused it
 * and does not disturb the next one.
 */
const quiet = async (processId: number | null): Promise<void> => {
  if (processId === null) return
  const deadline = performance.now() + 20_000
  let before = readThreadTimes(processId)
  for (let calm = 0; calm < 2 && performance.now() < deadline; ) {
    await delay(250)
    const now = readThreadTimes(processId)
    calm = elapsedNanos(before, now, () => true) < 12.5e6 ? calm + 1 : 0
    before = now
  }
}

const undisturbed = (rounds: readonly Round[]): readonly Round[] => {
  const calm = rounds.filter((round) =>
    round.every((block) => block.steal < stealLimit && block.foreign < foreignLimit),
  )
  const baselines = calm.map(directRate).filter((rate) => rate !== null)
  const usual = median(baselines)
  return calm.filter((round) => {
    const rate = directRate(round)
    return rate === null || Math.abs(rate / usual - 1) <= baselineTolerance
  })
}

const directRate = (round: Round): number | null =>
  round.find((block) => block.variant === 'direct')?.requestsPerSecond ?? null
