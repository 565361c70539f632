/**
 * What limits and budgets on all levels cost a request more than none: on the key, its team, project and organisation, on the model and on
 * the run, each with three limits (requests, tokens, concurrency) and two budgets (tokens, USD). `spread` has three limits and two
 * budgets in all. Rounds of the kinds take turns in one process; CPU time of the process, its collector's included.
 *
 *     node bench/micro/levels.ts [rounds]
 */
import {
  BUDGET_CELLS,
  type BudgetDocument,
  budgetCounter,
  concurrencyCells,
  type LimitsDocument,
  type ValueName,
  valueLevel,
} from '../../src/governance/index.ts'
import { SlotAllocator } from '../../src/lib/index.ts'
import { hashKey } from '../../src/storage/index.ts'
import { headOf, openScene } from './scene.ts'

const NO_LIMITS: LimitsDocument = { rates: [], tokenRate: null, concurrency: null, budgets: [] }
const LEVELS = ['project:p', 'team:t', 'organization:o'] as const
const MODEL: ValueName = { level: 'gateway', by: 'model', value: 'gpt-4o' }
const RUN: ValueName = { level: 'gateway', by: 'run', value: 'r-1' }
const KINDS = ['none', 'spread', 'all'] as const
type Kind = (typeof KINDS)[number]

const scene = await openScene()
const slots = new SlotAllocator(scene.cells)
const take = (name: string, cells: number) => slots.allocate(name, cells)

function budgetsOf(level: string): BudgetDocument[] {
  return (['tokens', 'nanos'] as const).map((unit) => {
    const counter = budgetCounter(level, { unit, per: 'day' })
    return { level, counter, slot: take(counter, BUDGET_CELLS), unit, per: 'day', timeZone: 'UTC', limit: 9e14 }
  })
}

function limitsOf(level: string): LimitsDocument {
  const slot = (name: string, cells = 1) => take(`${name} ${level}`, cells)
  return {
    rates: [{ level, slot: slot('rate'), limit: 1e9, per: 'minute', intervalUs: 1, burst: 1e9 }],
    tokenRate: { level, slot: slot('tokens'), limit: 1e9 },
    concurrency: { level, slot: slot('places', concurrencyCells(1)), limit: 1e6 },
    budgets: budgetsOf(level),
  }
}

/** Another gateway is not made for each kind: its levels are others between the rounds. */
function enforce(kind: Kind): void {
  const of = (level: string): LimitsDocument => {
    if (kind === 'all') return limitsOf(level)
    if (kind === 'none') return NO_LIMITS
    const { rates, tokenRate, concurrency, budgets } = limitsOf(level)
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
  const open = { enabled: true, modelsAllow: null, modelsDeny: null }
  for (const name of LEVELS) scene.keys.levels.apply({ name, document: { name, ...open, ...of(name) } })
  const both = kind === 'none' ? [] : [MODEL, RUN]
  const rules = both.map(({ by }) => ({ by, only: null, when_absent: 'ignore' }) as const)
  scene.keys.levels.apply({ name: 'gateway', document: { name: 'gateway', ...open, ...NO_LIMITS, rules } })
  for (const name of both) scene.keys.levels.rules.put(name, { ...of(valueLevel(name)), used: take('used', 1) })
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
  scene.keys.apply({ id: 'k', document })
}

const BATCH = 32
const TURNS = 20
const HEAD = headOf('secret-of-k', ['X-Ferro-Run-Id: r-1'])
const rounds = Number(process.argv[2] ?? 150)
const times: Record<Kind, number[]> = { none: [], spread: [], all: [] }
for (let round = -20; round < rounds; round++) {
  for (const kind of KINDS) {
    enforce(kind)
    await scene.turn(HEAD, BATCH)
    const began = process.cpuUsage()
    for (let turn = 0; turn < TURNS; turn++) await scene.turn(HEAD, BATCH)
    const { user, system } = process.cpuUsage(began)
    if (round >= 0) times[kind].push((user + system) / (TURNS * BATCH))
  }
}
const median = (kind: Kind) => times[kind].sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN
const none = median('none')
for (const kind of KINDS) {
  console.log(`${kind}: median ${median(kind).toFixed(2)} µs of CPU, ${(median(kind) - none).toFixed(2)} over none`)
}
await scene.close()
