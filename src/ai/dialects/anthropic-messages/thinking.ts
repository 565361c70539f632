import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Effort, Message, ModelRequest, ReasoningRequest } from '../../ir/request.ts'
import type { EncodeContext } from '../dialect.ts'
import { EFFORT_BUDGETS, effortOf } from '../effort-budgets.ts'

/** What goes out for reasoning, and the limit of output that fits it. */
export interface ThinkingPlan {
  readonly thinking?: JsonObject | undefined
  /** `output_config.effort`. */
  readonly effort?: string | undefined
  readonly maxTokens: number
  /** The model thinks: no forced tool, no temperature of one's own ("Extended thinking", limits). */
  readonly active: boolean
}

/** When neither the client nor the catalogue says how much a model may answer. */
const DEFAULT_MAX_TOKENS = 4096
const SMALLEST_BUDGET = 1024

const WORDS: Readonly<Record<Exclude<Effort, 'none'>, string>> = {
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'xhigh',
  max: 'max',
}

/** Decides how a model of this dialect is asked to think, and reports what had to give way. */
export function planThinking(request: ModelRequest, context: EncodeContext): ThinkingPlan {
  const { losses, capabilities } = context
  const { reasoning, maxOutputTokens: asked } = request.parameters
  const most = capabilities.maxOutputTokens
  let maxTokens = asked ?? most ?? DEFAULT_MAX_TOKENS
  if (asked !== undefined && most !== null && asked > most) {
    losses.adapt('max_tokens')
    maxTokens = most
  }
  if (reasoning === undefined) return { maxTokens, active: false }
  const own = request.dialect === 'anthropic-messages'
  const off = reasoning.mode === 'disabled' || reasoning.effort === 'none'
  if (capabilities.reasoning === 'none') {
    if (!off) losses.drop('reasoning')
    return { maxTokens, active: false }
  }
  if (off) {
    // Models that always decide for themselves refuse `disabled`; without a word most of them do not think.
    const says = own || capabilities.reasoning === 'budget'
    if (!says) losses.adapt('reasoning')
    return {
      thinking: says ? { type: 'disabled' } : undefined,
      effort: effortWord(reasoning),
      maxTokens,
      active: false,
    }
  }
  // A client of this dialect that names an effort alone does not ask for thinking.
  if (own && (reasoning.mode ?? reasoning.budgetTokens) === undefined)
    return { effort: effortWord(reasoning), maxTokens, active: false }
  const byBudget =
    capabilities.reasoning === 'budget' || (capabilities.reasoning === null && own && reasoning.mode === 'enabled')
  if (forbidsThinking(request, byBudget)) {
    losses.drop('reasoning')
    return { effort: own ? effortWord(reasoning) : undefined, maxTokens, active: false }
  }
  if (byBudget) return withBudget({ request, reasoning, maxTokens, own, context })
  const { mode, effort, budgetTokens } = reasoning
  if (effort === 'minimal' || (effort === undefined && budgetTokens !== undefined) || (own && mode === 'enabled')) {
    losses.adapt('reasoning')
  }
  const word = effortWord(reasoning) ?? (budgetTokens === undefined ? undefined : wordOfBudget(budgetTokens))
  return { thinking: withDisplay({ type: 'adaptive' }, reasoning), effort: word, maxTokens, active: true }
}

interface BudgetCase {
  readonly request: ModelRequest
  readonly reasoning: ReasoningRequest
  readonly maxTokens: number
  readonly own: boolean
  readonly context: EncodeContext
}

/**
 * The budget is at least 1,024 and below `max_tokens`. A limit that the client set is kept, as it may pay for no more: then the
 * budget shrinks. A limit of ours is raised.
 */
function withBudget({ request, reasoning, maxTokens, own, context }: BudgetCase): ThinkingPlan {
  const { losses, capabilities } = context
  const { effort, budgetTokens } = reasoning
  // What a client of this dialect said goes out as it is: with interleaved thinking a budget may exceed the limit.
  if (own && budgetTokens !== undefined) {
    const thinking = withDisplay({ type: 'enabled', budget_tokens: budgetTokens }, reasoning)
    return { thinking, effort: effortWord(reasoning), maxTokens, active: true }
  }
  const wanted = budgetTokens ?? EFFORT_BUDGETS[effort === undefined || effort === 'none' ? 'medium' : effort]
  let budget = Math.max(wanted, SMALLEST_BUDGET)
  let limit = maxTokens
  if (budget >= limit && request.parameters.maxOutputTokens === undefined) {
    limit = Math.min(budget + DEFAULT_MAX_TOKENS, capabilities.maxOutputTokens ?? Number.POSITIVE_INFINITY)
  }
  if (budget >= limit) budget = Math.max(SMALLEST_BUDGET, Math.floor(limit * 0.8))
  if (budget >= limit) {
    losses.drop('reasoning')
    return { maxTokens: limit, active: false }
  }
  if (budget !== budgetTokens) losses.adapt('reasoning')
  const thinking = withDisplay({ type: 'enabled', budget_tokens: budget }, reasoning)
  return { thinking, maxTokens: limit, active: true }
}

function withDisplay(thinking: Record<string, unknown>, { summary }: ReasoningRequest): JsonObject {
  if (summary !== undefined) thinking['display'] = summary === 'none' ? 'omitted' : 'summarized'
  return thinking
}

function effortWord({ effort }: ReasoningRequest): string | undefined {
  return effort === undefined || effort === 'none' ? undefined : WORDS[effort]
}

/** The word for the effort that a budget stands for. */
function wordOfBudget(budget: number): string | undefined {
  return effortWord({ effort: effortOf(Math.max(budget, SMALLEST_BUDGET)) })
}

/**
 * A forced tool, an answer that is begun for the model, and, with a budget, a turn of calls that does not open with a thought: with
 * thinking the API refuses each of them.
 */
function forbidsThinking({ toolChoice, messages, tools }: ModelRequest, byBudget: boolean): boolean {
  const forced =
    toolChoice?.type === 'required' ||
    toolChoice?.type === 'tool' ||
    (toolChoice?.type === 'allowed' && toolChoice.mode === 'required')
  if (forced && tools.length > 0) return true
  if (messages.at(-1)?.role === 'assistant') return true
  return byBudget && hasThoughtlessTurn(messages)
}

function hasThoughtlessTurn(messages: readonly Message[]): boolean {
  if (messages.at(-1)?.role !== 'tool') return false
  const turn = messages.findLast((message) => message.role === 'assistant')
  return turn?.parts.some((part) => part.type === 'tool-call') === true && turn.parts[0]?.type !== 'reasoning'
}

/** `thinking` and `output_config.effort` as a client says them. */
export function decodeThinking(
  thinking: JsonObject | undefined,
  effort: Effort | undefined,
): ReasoningRequest | undefined {
  if (thinking === undefined) return effort === undefined ? undefined : { effort }
  const display = isObject(thinking) ? thinking['display'] : undefined
  const summary = display === 'omitted' ? 'none' : display === 'summarized' ? 'auto' : undefined
  const mode = thinking['type']
  const budget = thinking['budget_tokens']
  return {
    effort,
    summary,
    mode: mode === 'enabled' || mode === 'adaptive' || mode === 'disabled' ? mode : undefined,
    budgetTokens: typeof budget === 'number' ? budget : undefined,
  }
}
