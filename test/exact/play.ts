import type { SeededRandom } from '../crash/random.ts'
import { proofViolations } from './books.ts'
import type { Cell } from './cells.ts'
import { Fleet, type FleetOptions } from './fleet.ts'
import { type Played, type PlayOptions, playCell } from './play-cell.ts'

/** Plays cells one after the other on fleets of their own; cells of the gateway's level alone on theirs. */
export async function playAll(
  cells: readonly Cell[],
  fleetOptions: FleetOptions,
  { onPlayed = () => undefined, ...options }: PlayOptions & { readonly onPlayed?: (played: Played) => void },
): Promise<string[]> {
  const shared = cells.filter(({ level }) => level !== 'gateway')
  const alone = cells.filter(({ level }) => level === 'gateway').map((cell) => [cell])
  const found: string[] = []
  for (const group of [shared, ...alone]) {
    if (group.length === 0) continue
    const fleet = await Fleet.start(group, fleetOptions)
    try {
      for (const cell of group) {
        const played = await playCell(fleet, cell, options)
        onPlayed(played)
        found.push(...played.found.map((sentence) => `${played.cell}: ${sentence}`))
      }
      found.push(...(await proofViolations(fleet)))
    } catch (error) {
      for (const { stderr } of fleet.gateways) console.error(stderr.text.slice(-4_000))
      throw error
    } finally {
      await fleet.close()
    }
  }
  return found
}

/** Some of the cells, each kind and each level among them, in an order of their own. */
export function someOf(cells: readonly Cell[], random: SeededRandom): Cell[] {
  const kinds = [...new Set(cells.map(({ kind }) => kind.name))]
  const levels = [...new Set(cells.map(({ level }) => level))]
  const first = random.between(0, levels.length - 1)
  return kinds.flatMap((kind, at) => {
    const level = levels[(first + at) % levels.length]
    return cells.filter((cell) => cell.kind.name === kind && cell.level === level)
  })
}
