import type { StrategyConfig } from '../../config/index.ts'
import { hashText } from '../../core/index.ts'
import { type CompileRegex, compileConditions } from './conditions/conditions.ts'
import type { StickySource, Strategy } from './contract.ts'
import { abTest } from './strategies/ab-test.ts'
import { balanced } from './strategies/balanced.ts'
import { fallback } from './strategies/fallback.ts'
import { leastLatency } from './strategies/least-latency.ts'
import { lowestCost } from './strategies/lowest-cost.ts'
import { byRules, type Rule } from './strategies/rules.ts'
import { single } from './strategies/single.ts'
import { sticky } from './strategies/sticky.ts'
import { weighted } from './strategies/weighted.ts'

export interface StrategySpec {
  readonly config: StrategyConfig
  /** Names the group; variants of one test are drawn apart from those of another. */
  readonly name: string
  /** What rules call the members, by their position. */
  readonly labels: readonly string[]
  /** Positions of the members that have a tag; absent: none has. */
  readonly tagged?: (tag: string) => readonly number[]
  readonly regex: CompileRegex | null
}

export interface CompiledStrategy {
  readonly strategy: Strategy
  /** Of `conditional` and `content`, for people; else null. */
  readonly rules: readonly Rule[] | null
}

const EXPLORE = 0.01
const USUAL_STICKY: readonly StickySource[] = [{ kind: 'session' }, { kind: 'key' }]

/** The strategy of a group. Throws an Error that says what is wrong with a rule. */
export function compileStrategy(spec: StrategySpec): CompiledStrategy {
  const { config, name } = spec
  const plain = (strategy: Strategy): CompiledStrategy => ({ strategy, rules: null })
  switch (config.type) {
    case 'single':
      return plain(single)
    case 'fallback':
      return plain(fallback)
    case 'weighted':
      return plain(weighted)
    case 'least-latency':
      return plain(leastLatency({ explore: config.explore ?? EXPLORE }))
    case 'lowest-cost':
      return plain(lowestCost({ unpriced: config.unpriced ?? 'last' }))
    case 'balanced':
      return plain(
        balanced({
          cost: config.cost ?? 1,
          latency: config.latency ?? 1,
          health: config.health ?? 1,
          explore: config.explore ?? EXPLORE,
        }),
      )
    case 'ab-test':
      return plain(abTest({ by: sourcesOf(config.by) ?? USUAL_STICKY, salt: hashText(name) }))
    case 'sticky':
      return plain(sticky({ by: sourcesOf(config.by) ?? USUAL_STICKY, switch: config.switch ?? 'never' }))
    case 'conditional':
    case 'content':
      return compileRules(spec)
  }
}

/** What a canary beside such a strategy keeps together: what the strategy does, else the requests of a session. */
export function keptTogether(config: StrategyConfig | undefined): readonly StickySource[] {
  if (config?.type !== 'sticky') return [{ kind: 'session' }]
  return sourcesOf(config.by) ?? USUAL_STICKY
}

function compileRules({ config, labels, tagged = () => [], regex }: StrategySpec): CompiledStrategy {
  const positions = (choices: NonNullable<StrategyConfig['otherwise']>) => {
    const all = choices.flatMap((each) => (typeof each === 'string' ? labels.indexOf(each) : tagged(each.tag)))
    return [...new Set(all)].filter((position) => position >= 0)
  }
  const rules = (config.rules ?? []).map(({ when, use }, index): Rule => {
    return { place: `strategy.rules[${index}]`, holds: compileConditions(when, regex), use: positions(use) }
  })
  const otherwise = config.otherwise === undefined ? labels.map((_, at) => at) : positions(config.otherwise)
  return { strategy: byRules(rules, otherwise), rules }
}

/** Absent is null; `none` is an empty list. */
function sourcesOf(by: readonly string[] | undefined): readonly StickySource[] | null {
  return by?.flatMap(sourceOf) ?? null
}

function sourceOf(text: string): StickySource[] {
  const [kind, name = ''] = text.split(':', 2)
  switch (kind) {
    case 'key':
    case 'session':
    case 'prefix':
      return [{ kind }]
    case 'header':
      return [{ kind, name: name.toLowerCase() }]
    case 'metadata':
      return [{ kind, name }]
    default:
      return []
  }
}
