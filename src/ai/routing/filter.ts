import type { RequestFacts, RoutingTarget } from './contract.ts'
import type { Drop, Kept } from './draft.ts'

/** Why a target, by its position, is not asked whatever it can do; null in place of it: all may be. */
export type Refuse = ((target: RoutingTarget, position: number) => Drop | null) | null

/**
 * Says of each target why it is not asked. What is not known of a target never speaks against it, and where what is known
 * would leave none, it is ignored: the catalogue may be older than the model, and the upstream's own words help more.
 */
export class Filter {
  readonly #targets: readonly RoutingTarget[]
  readonly #kept: Kept
  /** Some target is never asked, whatever the request. */
  readonly #someRefused: boolean
  /** By position: why a target is never asked. */
  readonly #refused: readonly (Drop | null)[]
  /** What every target takes: a request that asks no more needs no look at each of them. */
  readonly #leastContext: number
  readonly #leastOutput: number
  readonly #someLack: {
    readonly streams: boolean
    readonly vision: boolean
    readonly tools: boolean
    readonly schema: boolean
  }

  constructor(targets: readonly RoutingTarget[], kept: Kept) {
    const known = targets.map(({ target }) => target.facts?.capabilities)
    this.#targets = targets
    this.#kept = kept
    this.#refused = targets.map(({ enabled, target }) => {
      if (!enabled) return 'disabled'
      return target.isRefusedUnpriced ? 'unpriced' : null
    })
    this.#someRefused = this.#refused.some((refused) => refused !== null)
    this.#leastContext = Math.min(...known.map((each) => each?.contextTokens ?? Number.POSITIVE_INFINITY))
    this.#leastOutput = Math.min(...known.map((each) => each?.maxOutputTokens ?? Number.POSITIVE_INFINITY))
    this.#someLack = {
      streams: targets.some(({ streams }) => !streams),
      vision: known.some((each) => each?.vision === false),
      tools: known.some((each) => each?.tools === false),
      schema: known.some((each) => each?.structuredOutput === 'none'),
    }
  }

  /** Fills what is kept for one request. */
  apply(facts: RequestFacts, refuse: Refuse): void {
    const kept = this.#kept
    const fitsAll = this.#fitsAll(facts)
    if (!this.#someRefused && refuse === null && fitsAll) {
      if (!kept.isWhole) kept.drops.fill(null)
      kept.isWhole = true
      return
    }
    kept.isWhole = false
    this.#applyEach(fitsAll ? null : facts, refuse)
  }

  #fitsAll(facts: RequestFacts): boolean {
    const lack = this.#someLack
    if (facts.inputTokens > this.#leastContext || (facts.namedOutputTokens ?? 0) > this.#leastOutput) return false
    if ((lack.streams && facts.stream) || (lack.vision && facts.mediaItems > 0)) return false
    return !((lack.tools && facts.hasTools) || (lack.schema && facts.wantsSchema))
  }

  /** `facts`: null when every target takes what is asked. */
  #applyEach(facts: RequestFacts | null, refuse: Refuse): void {
    const targets = this.#targets
    const { drops } = this.#kept
    let allowed = 0
    let able = 0
    for (let at = 0; at < targets.length; at++) {
      const target = targets[at] as RoutingTarget // in range
      let drop = this.#refusalOf(target, at, refuse)
      if (drop === null) allowed++
      if (drop === null && facts !== null) drop = inabilityOf(target, facts)
      if (drop === null) able++
      drops[at] = drop
    }
    if (able > 0 || allowed === 0) return
    for (let at = 0; at < targets.length; at++) drops[at] = this.#refusalOf(targets[at] as RoutingTarget, at, refuse) // as above
  }

  #refusalOf(target: RoutingTarget, position: number, refuse: Refuse): Drop | null {
    const refused = this.#refused[position] ?? null
    return refused !== null || refuse === null ? refused : refuse(target, position)
  }
}

/** What the target is known not to do and the request wants. The body is only read where that can tell. */
export function inabilityOf({ target, streams }: RoutingTarget, facts: RequestFacts): Drop | null {
  if (!streams && facts.stream) return 'no_streaming'
  const known = target.facts?.capabilities
  if (known === undefined) return null
  const { maxOutputTokens, contextTokens } = known
  if (contextTokens !== null && facts.inputTokens > contextTokens) return 'context_too_short'
  if (maxOutputTokens !== null && (facts.namedOutputTokens ?? 0) > maxOutputTokens) return 'output_too_short'
  if (known.vision === false && facts.mediaItems > 0 && facts.hasImages) return 'no_images'
  if (known.tools === false && facts.hasTools) return 'no_tools'
  if (known.structuredOutput === 'none' && facts.wantsSchema) return 'no_structured_output'
  return null
}
