/** Limits and budgets on all levels of one key, for measurements of what they cost: where they are, and how kinds of them are compared. */
import { loadavg } from 'node:os'
import {
  BUDGET_CELLS,
  type BudgetDocument,
  budgetCounter,
  concurrencyCells,
  LEASE_CELLS,
  type LimitsDocument,
  type ValueName,
  valueLevel,
} from '../../src/governance/index.ts'
import { SlotAllocator } from '../../src/lib/index.ts'
import { hashKey } from '../../src/storage/index.ts'
import { headOf, type Scene } from './scene.ts'

const NO_LIMITS: LimitsDocument = { rates: [], tokenRate: null, concurrency: null, budgets: [] }
const LEVELS = ['project:p', 'team:t', 'organization:o'] as const
const MODEL: ValueName = { level: 'gateway', by: 'model', value: 'gpt-4o' }
const RUN: ValueName = { level: 'gateway', by: 'run', value: 'r-1' }
const BATCH = 32
const TURNS = 20
const WARM_UP = 20

/** `spread`: three limits and two budgets in all; `all`: as many on each level. */
const KINDS = ['none', 'spread', 'all'] as const
export type Kind = (typeof KINDS)[number]

/** Whether counters are this machine's alone, or borrowed from those that several share. */
export type Counted = 'here' | 'leased'

/** Puts limits in force. Another gateway is not made for each kind: its levels are others between the rounds. */
export class LevelKinds {
  readonly #scene: Scene
  readonly #slots: SlotAllocator
  readonly #counted: Counted

  constructor(scene: Scene, counted: Counted) {
    this.#scene = scene
    this.#slots = new SlotAllocator(scene.cells)
    this.#counted = counted
  }

  enforce(kind: Kind): void {
    const of = (level: string) => this.#limitsOf(kind, level)
    const { keys } = this.#scene
    const open = { enabled: true, modelsAllow: null, modelsDeny: null }
    for (const name of LEVELS) keys.levels.apply({ name, document: { name, ...open, ...of(name) } })
    const both = kind === 'none' ? [] : [MODEL, RUN]
    const rules = both.map(({ by }) => ({ by, only: null, when_absent: 'ignore' }) as const)
    keys.levels.apply({ name: 'gateway', document: { name: 'gateway', ...open, ...NO_LIMITS, rules } })
    for (const name of both) keys.levels.rules.put(name, { ...of(valueLevel(name)), used: this.#take('used', 1) })
    const document = {
      ...open,
      id: 'k',
      hash: hashKey('secret-of-k'),
      previous: null,
      addresses: null,
      expiresAt: null,
      scopes: [],
      levels: LEVELS,
      generationSlot: 0,
      generation: 0,
      ...of('key:k'),
    }
    keys.apply({ id: 'k', document })
  }

  #limitsOf(kind: Kind, level: string): LimitsDocument {
    if (kind === 'none') return NO_LIMITS
    const all = this.#allOf(level)
    if (kind === 'all') return all
    const { rates, tokenRate, concurrency, budgets } = all
    switch (level) {
      case 'key:k':
        return { ...NO_LIMITS, rates }
      case 'project:p':
        return { ...NO_LIMITS, budgets: budgets.slice(0, 1) }
      case 'team:t':
        return { ...NO_LIMITS, tokenRate }
      case 'organization:o':
        return NO_LIMITS
      case valueLevel(RUN):
        return { ...NO_LIMITS, budgets: budgets.slice(1) }
      default:
        return { ...NO_LIMITS, concurrency }
    }
  }

  #allOf(level: string): LimitsDocument {
    const placed = (kind: string, cells = 1) => {
      const name = `${kind} ${level}`
      const own = { level, slot: this.#take(name, cells) }
      return this.#counted === 'here' ? own : { ...own, lease: { at: this.#take(`lease ${name}`, LEASE_CELLS), name } }
    }
    const budgetOf = (unit: 'tokens' | 'nanos'): BudgetDocument => {
      const counter = budgetCounter(level, { unit, per: 'day' })
      return { ...placed(counter, BUDGET_CELLS), counter, unit, per: 'day', timeZone: 'UTC', limit: 9e14 }
    }
    return {
      rates: [{ ...placed('rate'), limit: 1e9, per: 'minute', intervalUs: 1, burst: 1e9 }],
      tokenRate: { ...placed('tokens'), limit: 1e9 },
      concurrency: { ...placed('places', concurrencyCells(1)), limit: 1e6 },
      budgets: [budgetOf('tokens'), budgetOf('nanos')],
    }
  }

  #take(name: string, cells: number): number {
    return this.#slots.allocate(name, cells)
  }
}

/**
 * Rounds of the kinds take turns in one process: CPU time of the process, its collector's included. Each round gives a difference to
 * the round of none beside it; printed are their median, and the quarter and three quarters of them.
 */
export async function compareKinds(scene: Scene, kinds: LevelKinds, rounds: number): Promise<void> {
  const head = headOf('secret-of-k', ['X-Ferro-Run-Id: r-1'])
  const times: Record<Kind, number[]> = { none: [], spread: [], all: [] }
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const kind of KINDS) {
      kinds.enforce(kind)
      await scene.turn(head, BATCH)
      const began = process.cpuUsage()
      for (let turn = 0; turn < TURNS; turn++) await scene.turn(head, BATCH)
      const { user, system } = process.cpuUsage(began)
      if (round >= 0) times[kind].push((user + system) / (TURNS * BATCH))
    }
  }
  for (const kind of KINDS) {
    const over = times[kind].map((us, round) => us - (times.none[round] ?? Number.NaN))
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(over, share).toFixed(2))
    console.log(`${kind}: ${quantile(times[kind], 0.5).toFixed(2)} µs of CPU, ${middle} over none (${low} to ${high})`)
  }
  console.log(`load average ${loadavg()[0]?.toFixed(1)}`)
}

function quantile(list: readonly number[], share: number): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length * share)] ?? Number.NaN
}
