import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release } from 'node:os'

/** Clock ticks of one processor since boot, from `/proc/stat`. */
export type ProcessorTicks = { readonly total: number; readonly idle: number; readonly steal: number }

/** Ticks per processor, in order of their numbers. */
export const readProcessors = (): readonly ProcessorTicks[] =>
  readFileSync('/proc/stat', 'latin1')
    .split('\n')
    .filter((line) => /^cpu\d/.test(line))
    .map((line) => {
      const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number)
      return {
        total: ticks.reduce((sum, value) => sum + value, 0),
        idle: ticks[3]! + ticks[4]!,
        steal: ticks[7]!,
      }
    })

/** What happened on the processors between two readings, as shares from 0 to 1. */
export type ProcessorShares = {
  /** Time that the hypervisor gave to somebody else, over all processors. */
  readonly steal: number
  /** Busy share per processor, steal not included. */
  readonly busy: readonly number[]
}

/** Compares two readings of `readProcessors`. */
export const processorShares = (
  before: readonly ProcessorTicks[],
  after: readonly ProcessorTicks[],
): ProcessorShares => {
  const differences = after.map((ticks, index) => ({
    total: ticks.total - (before[index]?.total ?? 0),
    idle: ticks.idle - (before[index]?.idle ?? 0),
    steal: ticks.steal - (before[index]?.steal ?? 0),
  }))
  const total = differences.reduce((sum, ticks) => sum + ticks.total, 0)
  const steal = differences.reduce((sum, ticks) => sum + ticks.steal, 0)
  return {
    steal: total === 0 ? 0 : steal / total,
    busy: differences.map((ticks) => (ticks.total === 0 ? 0 : (ticks.total - ticks.idle - ticks.steal) / ticks.total)),
  }
}

/** The facts without which a figure says nothing. */
export type MachineFacts = {
  readonly processor: string
  readonly processors: number
  readonly kernel: string
  readonly node: string
  readonly nginx: string
  readonly wrk: string
  readonly commit: string
  readonly date: string
}

/** Reads the facts of this machine and this checkout. */
export const machineFacts = (root: string, nginx: string, wrk: string): MachineFacts => ({
  processor: cpus()[0]?.model ?? 'unknown',
  processors: availableParallelism(),
  kernel: release(),
  node: process.version,
  nginx,
  wrk,
  commit: commitOf(root),
  date: new Date().toISOString(),
})

const commitOf = (root: string): string => {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src') !== ''
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '')
  } catch {
    // A published package has no repository around it; the run is still worth reading.
    return 'unknown'
  }
}
