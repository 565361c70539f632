import type { Fields } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { ReasoningRequest } from '../../ir/request.ts'
import { EFFORT_BUDGETS, EFFORTS, effortOf } from '../effort-budgets.ts'

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

/** The same for an upstream: it knows efforts only. */
export function encodeReasoning(asked: ReasoningRequest, own: boolean, losses: Losses): JsonObject {
  const off = asked.mode === 'disabled' || asked.effort === 'none'
  const { effort, budgetTokens: budget, mode } = asked
  const members: Record<string, unknown> = {}
  if (off) members['effort'] = 'none'
  else if (effort !== undefined) members['effort'] = effort
  else if (budget !== undefined) members['effort'] = effortOf(Math.max(budget, EFFORT_BUDGETS.minimal))
  if (budget !== undefined || (mode !== undefined && !off)) losses.adapt('reasoning')
  // Clients of other dialects that switch thinking on expect to see it; this vendor shows it on demand.
  const summary = asked.summary ?? (!own && !off && mode !== undefined ? 'auto' : undefined)
  if (summary !== undefined && summary !== 'none') members['summary'] = summary
  return members
}
