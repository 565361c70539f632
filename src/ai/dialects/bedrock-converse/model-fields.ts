import type { JsonObject } from '../../ir/json.ts'
import type { ModelRequest } from '../../ir/request.ts'
import { planThinking } from '../anthropic-messages/thinking.ts'
import type { EncodeContext } from '../dialect.ts'

/** What a model is told in its own words, and what follows from it. */
export interface ModelFields {
  /** `additionalModelRequestFields`. */
  readonly fields: JsonObject
  readonly maxTokens: number | undefined
  readonly thinking: boolean
}

/**
 * Reasoning and `top_k` have no place in Converse: each family of models takes them in its own words. Claude takes those of its own API
 * (Bedrock user guide, "Extended thinking", "Adaptive thinking"), Nova its `reasoningConfig`, OpenAI's open models an effort.
 */
export function modelFields(request: ModelRequest, context: EncodeContext): ModelFields {
  return context.capabilities.family === 'anthropic' ? forClaude(request, context) : forOthers(request, context)
}

function forClaude(request: ModelRequest, context: EncodeContext): ModelFields {
  const { maxOutputTokens, topK } = request.parameters
  const plan = planThinking(request, context)
  const fields: Record<string, unknown> = {}
  if (plan.thinking !== undefined) fields['thinking'] = plan.thinking
  if (plan.effort !== undefined) fields['output_config'] = { effort: plan.effort }
  const betas = knownBetas(request.betas ?? [], context)
  if (betas.length > 0) fields['anthropic_beta'] = betas
  if (topK !== undefined) {
    if (plan.active) context.losses.drop('top_k')
    else fields['top_k'] = topK
  }
  // Converse has a limit of its own for requests without one; with a budget it must be above that.
  const unsaid = maxOutputTokens === undefined && plan.thinking?.['budget_tokens'] === undefined
  const known = context.capabilities.maxOutputTokens !== null
  return { fields, maxTokens: unsaid && !known ? undefined : plan.maxTokens, thinking: plan.active }
}

/**
 * Features of Claude that the service knows by the vendor's names; one that it does not know makes it refuse the request (Bedrock
 * user guide, "Anthropic Claude Messages API: Request and Response").
 */
const BETAS: ReadonlySet<string> = new Set([
  'compact-2026-01-12',
  'computer-use-2024-10-22',
  'computer-use-2025-01-24',
  'computer-use-2025-11-24',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'dev-full-thinking-2025-05-14',
  'effort-2025-11-24',
  'fine-grained-tool-streaming-2025-05-14',
  'interleaved-thinking-2025-05-14',
  'output-128k-2025-02-19',
  'token-efficient-tools-2025-02-19',
  'tool-examples-2025-10-29',
  'tool-search-tool-2025-10-19',
])

function knownBetas(names: readonly string[], { losses }: EncodeContext): readonly string[] {
  return names.filter((name) => {
    if (BETAS.has(name)) return true
    losses.drop(`anthropic-beta.${name}`)
    return false
  })
}

function forOthers(request: ModelRequest, context: EncodeContext): ModelFields {
  for (const name of request.betas ?? []) context.losses.drop(`anthropic-beta.${name}`)
  const { losses, capabilities, model } = context
  const { maxOutputTokens: asked, topK, reasoning } = request.parameters
  const most = capabilities.maxOutputTokens
  const over = asked !== undefined && most !== null && asked > most
  if (over) losses.adapt('max_tokens')
  const maxTokens = over ? most : asked
  const fields: Record<string, unknown> = {}
  const nova = model.includes('nova')
  if (topK !== undefined) {
    if (nova) fields['inferenceConfig'] = { topK }
    else fields['top_k'] = topK
  }
  const off = reasoning?.mode === 'disabled' || reasoning?.effort === 'none'
  if (off && capabilities.reasoning !== 'none') {
    if (nova) fields['reasoningConfig'] = { type: 'disabled' }
    else losses.drop('reasoning')
  }
  if (reasoning === undefined || off) return { fields, maxTokens, thinking: false }
  const effort = THREE[reasoning.effort ?? 'medium']
  if (reasoning.effort !== effort) losses.adapt('reasoning')
  if (capabilities.reasoning !== 'none' && nova) {
    fields['reasoningConfig'] = { type: 'enabled', maxReasoningEffort: effort }
  } else if (capabilities.reasoning !== 'none' && capabilities.family === 'openai') {
    fields['reasoning_effort'] = effort
  } else {
    losses.drop('reasoning')
  }
  return { fields, maxTokens, thinking: false }
}

/** Efforts for models that know three. */
const THREE: Readonly<Record<string, string>> = {
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
}
