import fs from 'node:fs'
import path from 'node:path'

const FILE = 'route-rates.json'

/** What the limits of routes had used at one moment. */
export interface RouteRateState {
  /** That moment, milliseconds since the epoch. */
  readonly atMs: number
  /** By the name of the limit; whoever wrote it knows its form. */
  readonly limits: Readonly<Record<string, unknown>>
}

/** Replaces the state on disk. It is not synced: what a power cut takes is a moment of a rate limit. */
export async function writeRouteRateState(dataDir: string, state: RouteRateState): Promise<void> {
  const file = path.join(dataDir, FILE)
  const temporary = `${file}.new`
  await fs.promises.writeFile(temporary, JSON.stringify(state), { mode: 0o600 })
  await fs.promises.rename(temporary, file)
}

/** The state that was written last; null when there is none that can be read. */
export function readRouteRateState(dataDir: string): RouteRateState | null {
  try {
    const value: unknown = JSON.parse(fs.readFileSync(path.join(dataDir, FILE), 'utf8'))
    if (typeof value !== 'object' || value === null) return null
    if (!('atMs' in value) || typeof value.atMs !== 'number') return null
    if (!('limits' in value) || typeof value.limits !== 'object' || value.limits === null) return null
    return { atMs: value.atMs, limits: { ...value.limits } }
  } catch {
    return null // none yet, or half of one after a power cut: limits begin unused
  }
}
