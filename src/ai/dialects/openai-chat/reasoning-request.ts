import type { Fields } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { ReasoningRequest } from '../../ir/request.ts'
import { EFFORT_BUDGETS, EFFORTS, effortOf } from '../effort-budgets.ts'
import type { Spelling } from './spelling.ts'

const SUMMARIES = ['auto', 'concise', 'detailed', 'none'] as const
const MODES = { enabled: 'enabled', adaptive: 'adaptive', auto: 'adaptive', disabled: 'disabled' } as const

/**
 * How much a client wants the model to think: `reasoning_effort` of the vendor, `reasoning` of routers, `thinking` of
 * clients of Claude, DeepSeek and Z.ai, `enable_thinking` with `thinking_budget` of Qwen's.
 */
export function decodeReasoning(body: Fields, losses: Losses): ReasoningRequest | undefined {
  const reasoning = body.fields('reasoning')
  const thinking = body.fields('thinking')
  const enabled = body.boolean('enable_thinking') ?? reasoning?.boolean('enabled')
  const mode = thinking?.oneOf('type', ['enabled', 'adaptive', 'auto', 'disabled'] as const)
  const asked: ReasoningRequest = {
    effort: body.oneOf('reasoning_effort', EFFORTS) ?? reasoning?.oneOf('effort', EFFORTS),
    budgetTokens:
      thinking?.integer('budget_tokens') ?? reasoning?.integer('max_tokens') ?? body.integer('thinking_budget'),
    mode: mode === undefined ? (enabled === undefined ? undefined : enabled ? 'enabled' : 'disabled') : MODES[mode],
    summary: reasoning?.boolean('exclude') === true ? 'none' : reasoning?.oneOf('summary', SUMMARIES),
  }
  reasoning?.report(losses)
  thinking?.report(losses)
  return Object.values(asked).every((value) => value === undefined) ? undefined : asked
}

/** The same for an upstream, by the member that it knows. What it cannot be told is reported. */
export function encodeReasoning(asked: ReasoningRequest, spelling: Spelling): JsonObject {
  const { losses } = spelling
  const off = asked.mode === 'disabled' || asked.effort === 'none'
  switch (spelling.reasoningRequest) {
    case 'none':
      if (!off) losses.drop('reasoning')
      return {}
    case 'reasoning':
      return {
        reasoning: {
          ...(off ? { enabled: false } : asked.mode === undefined ? {} : { enabled: true }),
          ...(asked.effort === undefined || off ? {} : { effort: asked.effort }),
          ...(asked.budgetTokens === undefined || off ? {} : { max_tokens: asked.budgetTokens }),
          ...(asked.summary === 'none' ? { exclude: true } : {}),
        },
      }
    case 'thinking':
      if (asked.effort !== undefined && !off) losses.adapt('reasoning')
      reportSummary(asked, spelling)
      return { thinking: off ? { type: 'disabled' } : { type: 'enabled', ...budgetOf(asked, 'budget_tokens') } }
    case 'enable_thinking':
      if (asked.effort !== undefined && !off) losses.adapt('reasoning')
      reportSummary(asked, spelling)
      return off ? { enable_thinking: false } : { enable_thinking: true, ...budgetOf(asked, 'thinking_budget') }
    case 'reasoning_effort': {
      reportSummary(asked, spelling)
      if (asked.effort !== undefined && asked.budgetTokens === undefined) return { reasoning_effort: asked.effort }
      const switched = asked.effort === undefined && asked.budgetTokens === undefined && !off
      // Only the vendor's newer models can be told not to think, by a word that others do not know.
      if (switched || (asked.effort === undefined && off && !spelling.vendor)) {
        losses.adapt('reasoning')
        return {}
      }
      losses.adapt('reasoning')
      return { reasoning_effort: off ? 'none' : (asked.effort ?? effortOf(asked.budgetTokens ?? 0)) }
    }
  }
}

function reportSummary({ summary }: ReasoningRequest, { losses }: Spelling): void {
  if (summary !== undefined && summary !== 'auto') losses.drop('reasoning.summary')
}

function budgetOf({ budgetTokens, effort }: ReasoningRequest, name: string): JsonObject {
  const budget = budgetTokens ?? (effort === undefined ? undefined : EFFORT_BUDGETS[effort])
  return budget === undefined ? {} : { [name]: budget }
}
