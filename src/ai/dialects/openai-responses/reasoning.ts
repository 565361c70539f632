import type { Fields } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { Effort, ReasoningRequest } from '../../ir/request.ts'

const EFFORTS: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']
const SUMMARIES = ['auto', 'concise', 'detailed', 'none'] as const

/** How much a client wants the model to think; `generate_summary` is the older name. */
export function decodeReasoning(body: Fields): { asked: ReasoningRequest | undefined; rest: JsonObject | undefined } {
  const reasoning = body.fields('reasoning')
  if (reasoning === undefined) return { asked: undefined, rest: undefined }
  const older = reasoning.oneOf('generate_summary', SUMMARIES)
  const effort = reasoning.oneOf('effort', EFFORTS)
  const summary = reasoning.oneOf('summary', SUMMARIES) ?? older
  const says = effort !== undefined || summary !== undefined
  return { asked: says ? { effort, summary } : undefined, rest: reasoning.rest() }
}

/** Tokens from which on an effort stands for a budget; ours, as the vendor counts none. */
const BUDGETS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 512,
  low: 1_024,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_768,
  max: 65_536,
}

/** The same for an upstream: it knows efforts only. */
export function encodeReasoning(asked: ReasoningRequest, own: boolean, losses: Losses): JsonObject {
  const off = asked.mode === 'disabled' || asked.effort === 'none'
  const { effort, budgetTokens: budget, mode } = asked
  const members: Record<string, unknown> = {}
  if (off) members['effort'] = 'none'
  else if (effort !== undefined) members['effort'] = effort
  else if (budget !== undefined) members['effort'] = EFFORTS.findLast((word) => BUDGETS[word] <= budget) ?? 'minimal'
  if (budget !== undefined || (mode !== undefined && !off)) losses.adapt('reasoning')
  // Clients of other dialects that switch thinking on expect to see it; this vendor shows it on demand.
  const summary = asked.summary ?? (!own && !off && mode !== undefined ? 'auto' : undefined)
  if (summary !== undefined && summary !== 'none') members['summary'] = summary
  return members
}
