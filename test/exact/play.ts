import type { SeededRandom } from '../crash/random.ts'
import { proofViolations } from './books.ts'
import { type Cell, cellOf, type Kind, type Level } from './cells.ts'
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

/** So many of all cells in an order of their own, the first of them with each kind and each level. */
export function someOf(kinds: readonly Kind[], levels: readonly Level[], count: number, random: SeededRandom): Cell[] {
  const first = random.between(0, levels.length - 1)
  const all = kinds.length * levels.length
  // Both go round by themselves; where their numbers have a divisor, one is moved on after each of its rounds.
  const round = leastCommonMultiple(kinds.length, levels.length)
  return Array.from({ length: Math.min(count, all) }, (_, at) => {
    const kind = kinds[at % kinds.length]
    const level = levels[(first + at + Math.floor(at / round)) % levels.length]
    if (kind === undefined || level === undefined) throw new Error('there are kinds and levels')
    return cellOf(kind, level)
  })
}

function leastCommonMultiple(a: number, b: number): number {
  let most = a
  while (most % b !== 0) most += a
  return most
}
