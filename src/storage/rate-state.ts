import fs from 'node:fs'
import path from 'node:path'

const FILE = 'rates.json'

/** How far the rate limits of keys ran ahead of the clock at one moment. */
export interface RateState {
  /** That moment, milliseconds since the epoch. */
  readonly atMs: number
  /** By the limit's name, theoretical arrival times later than that: microseconds since the epoch. */
  readonly arrivals: ReadonlyMap<string, number>
}

/** Replaces the state on disk. It is not synced: what a power cut takes is a moment of a rate limit. */
export async function writeRateState(dataDir: string, { atMs, arrivals }: RateState): Promise<void> {
  const file = path.join(dataDir, FILE)
  const temporary = `${file}.new`
  await fs.promises.writeFile(temporary, JSON.stringify({ atMs, arrivals: [...arrivals] }), { mode: 0o600 })
  await fs.promises.rename(temporary, file)
}

/** The state that was written last; null when there is none that can be read. */
export function readRateState(dataDir: string): RateState | null {
  try {
    const value: unknown = JSON.parse(fs.readFileSync(path.join(dataDir, FILE), 'utf8'))
    if (typeof value !== 'object' || value === null) return null
    if (!('atMs' in value) || !Number.isSafeInteger(value.atMs)) return null
    if (!('arrivals' in value) || !Array.isArray(value.arrivals) || !value.arrivals.every(isArrival)) return null
    return { atMs: Number(value.atMs), arrivals: new Map(value.arrivals) }
  } catch {
    return null // none yet, or half of one after a power cut: limits begin with the requests of the last minute
  }
}

function isArrival(value: unknown): value is [string, number] {
  return Array.isArray(value) && typeof value[0] === 'string' && Number.isSafeInteger(value[1])
}
