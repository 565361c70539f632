import type { ModelTarget } from '../models/target.ts'

/** A model as a list shows it. */
export interface ListedModel {
  readonly name: string
  readonly ownedBy: string
  readonly target: ModelTarget
  /** Seconds since the epoch. */
  readonly created: number
}

/** OpenAI's shape, with what the catalogue and the configuration know of the model behind the members that the vendor has. */
export function openaiModel({ name, ownedBy, target, created }: ListedModel): object {
  const { facts } = target
  const model = { id: name, object: 'model', created, owned_by: ownedBy }
  if (facts === null) return model
  const { capabilities, entry } = facts
  const words = capabilityWords(target)
  return {
    ...model,
    ...(entry === null ? {} : { mode: entry.mode }),
    ...(capabilities.contextTokens === null ? {} : { context_window: capabilities.contextTokens }),
    ...(capabilities.maxOutputTokens === null ? {} : { max_output_tokens: capabilities.maxOutputTokens }),
    ...(words.length === 0 ? {} : { capabilities: words }),
    ...(entry?.deprecated === true ? { status: 'deprecated', deprecated: true } : {}),
  }
}

/** What a model is known to do, in the words that other gateways list, too. */
function capabilityWords({ facts, prices }: ModelTarget): string[] {
  if (facts === null) return []
  const { capabilities, entry } = facts
  const chat = entry?.mode === 'chat'
  const rows: readonly (readonly [word: string, has: boolean])[] = [
    ['vision', capabilities.vision === true],
    ['function_calling', capabilities.tools === true],
    ['parallel_tool_calls', capabilities.tools === true && !capabilities.refuses.has('parallel_tool_calls')],
    ['json_mode', capabilities.structuredOutput === 'native' || capabilities.structuredOutput === 'tool'],
    ['response_schema', capabilities.structuredOutput === 'native'],
    ['streaming', chat],
    ['prompt_caching', prices !== null && prices.cacheRead < prices.input],
    ['reasoning', capabilities.reasoning !== null && capabilities.reasoning !== 'none'],
    ['audio_input', entry?.hearing === true],
    ['audio_output', entry?.prices?.audioOutput !== undefined],
  ]
  return rows.flatMap(([word, has]) => (has ? [word] : []))
}

/** The Messages API's shape (API reference, "Models", 2026-11): strict clients look for each member, null where nothing is known. */
export function anthropicModel({ name, target, created }: ListedModel): object {
  const { capabilities, entry } = target.facts ?? { capabilities: null, entry: null }
  return {
    type: 'model',
    id: name,
    display_name: entry?.name ?? name,
    created_at: new Date(created * 1_000).toISOString().replace('.000Z', 'Z'),
    lifecycle: entry?.deprecated === true ? 'deprecated' : 'active',
    deprecated_at: null,
    retires_at: null,
    line: null,
    max_input_tokens: capabilities?.contextTokens ?? null,
    max_tokens: capabilities?.maxOutputTokens ?? null,
    capabilities: null,
  }
}

/** The Gemini API's shape (API reference, "models", 2026-11). */
export function geminiModel({ name, target }: ListedModel): object {
  const facts = target.facts
  const { contextTokens = null, maxOutputTokens = null, reasoning = null } = facts?.capabilities ?? {}
  return {
    name: `models/${name}`,
    baseModelId: name,
    version: '001',
    displayName: facts?.entry?.name ?? name,
    ...(contextTokens === null ? {} : { inputTokenLimit: contextTokens }),
    ...(maxOutputTokens === null ? {} : { outputTokenLimit: maxOutputTokens }),
    supportedGenerationMethods: ['generateContent', 'countTokens'],
    ...(reasoning === null ? {} : { thinking: reasoning !== 'none' }),
  }
}
