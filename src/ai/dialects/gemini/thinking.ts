import type { JsonObject } from '../../ir/json.ts'
import { PARAMETER_NAMES } from '../../ir/parameter-names.ts'
import type { Effort, ModelRequest, ReasoningRequest } from '../../ir/request.ts'
import type { EncodeContext } from '../dialect.ts'
import { effortOf } from '../effort-budgets.ts'
import { generationOf } from './model-generation.ts'

const LEVELS: Readonly<Record<Effort, string>> = {
  none: 'MINIMAL',
  minimal: 'MINIMAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  xhigh: 'HIGH',
  max: 'HIGH',
}

/** Budgets that the vendor's own table for OpenAI's efforts gives (ai.google.dev, "OpenAI compatibility", 2026). */
const BUDGETS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
}

/** The Pro models of 2.5 cannot stop thinking, and think more than the others at most. */
const PRO = { least: 128, most: 32_768 }
const FLASH = { least: 0, most: 24_576 }
/** Flash-Lite thinks from here on, or not at all. */
const LEAST_OF_LITE = 512

/** `thinkingConfig`, or null when there is nothing to say. A client of this dialect is repeated as it spoke. */
export function encodeThinking(
  reasoning: ReasoningRequest,
  request: ModelRequest,
  context: EncodeContext,
): JsonObject | null {
  const { capabilities, model, losses } = context
  const config: Record<string, unknown> = {}
  if (reasoning.summary !== undefined) config['includeThoughts'] = reasoning.summary !== 'none'
  const asks = reasoning.effort ?? reasoning.budgetTokens ?? reasoning.mode
  if (asks !== undefined) {
    if (request.dialect === 'gemini') Object.assign(config, asSaid(reasoning))
    else {
      const way = capabilities.reasoning ?? (generationOf(model) === 2.5 ? 'budget' : 'level')
      if (way === 'none') {
        losses.drop(PARAMETER_NAMES.reasoning)
        return null
      }
      Object.assign(
        config,
        way === 'budget' || way === 'adaptive' ? budget(reasoning, context) : level(reasoning, context),
      )
    }
  }
  if (capabilities.reasoning === 'none' && request.dialect !== 'gemini') return null
  return Object.keys(config).length > 0 ? config : null
}

function asSaid({ effort, budgetTokens, mode }: ReasoningRequest): JsonObject {
  if (effort !== undefined) return { thinkingLevel: LEVELS[effort] }
  if (budgetTokens !== undefined) return { thinkingBudget: budgetTokens }
  return mode === 'disabled' ? { thinkingBudget: 0 } : { thinkingBudget: -1 }
}

function level({ effort, budgetTokens, mode }: ReasoningRequest, { model, losses }: EncodeContext): JsonObject {
  let wanted: Effort | undefined = effort
  if (wanted === undefined && mode === 'disabled') wanted = 'none'
  if (wanted === undefined && budgetTokens !== undefined) wanted = effortOf(budgetTokens)
  // The model decides by itself when no level is said.
  if (wanted === undefined) return {}
  let word = LEVELS[wanted]
  // Pro models do not go below LOW.
  if (word === 'MINIMAL' && model.includes('pro')) word = 'LOW'
  if (effort === undefined || word !== effort.toUpperCase()) losses.adapt(PARAMETER_NAMES.reasoning)
  return { thinkingLevel: word }
}

function budget({ effort, budgetTokens, mode }: ReasoningRequest, { model, losses }: EncodeContext): JsonObject {
  if (budgetTokens === undefined && effort === undefined && mode !== 'disabled') return { thinkingBudget: -1 }
  const wanted = budgetTokens ?? (mode === 'disabled' ? 0 : BUDGETS[effort ?? 'medium'])
  const { least, most } = model.includes('pro') ? PRO : FLASH
  const lite = model.includes('lite') && wanted > 0 ? LEAST_OF_LITE : 0
  const tokens = Math.min(most, Math.max(least, lite, wanted))
  if (budgetTokens === undefined || tokens !== wanted) losses.adapt(PARAMETER_NAMES.reasoning)
  return { thinkingBudget: tokens }
}
