import type { RequestFacts, RoutingTarget } from './contract.ts'
import type { Drop, Kept } from './draft.ts'

/** Why a target, by its position, is not asked whatever it can do; null in place of it: all may be. */
export type Refuse = ((target: RoutingTarget, position: number) => Drop | null) | null

/**
 * Says of each target why it is not asked. What is not known of a target never speaks against it, and where what is known
 * would leave none, it is ignored: the catalogue may be older than the model, and the upstream's own words help more.
 */
export function filter(targets: readonly RoutingTarget[], kept: Kept, facts: RequestFacts, refuse: Refuse): void {
  const { drops } = kept
  let allowed = 0
  let able = 0
  for (let at = 0; at < targets.length; at++) {
    const target = targets[at]
    if (target === undefined) continue
    const refused = refusalOf(target, at, refuse)
    if (refused === null) allowed++
    const drop = refused ?? inabilityOf(target, facts)
    if (drop === null) able++
    drops[at] = drop
  }
  if (able > 0 || allowed === 0) return
  for (let at = 0; at < targets.length; at++) {
    const target = targets[at]
    if (target !== undefined) drops[at] = refusalOf(target, at, refuse)
  }
}

function refusalOf(target: RoutingTarget, position: number, refuse: Refuse): Drop | null {
  if (!target.enabled) return 'disabled'
  if (target.target.isRefusedUnpriced) return 'unpriced'
  return refuse === null ? null : refuse(target, position)
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
