import { messagesMeter } from '../../dialects/anthropic-messages/meter.ts'
import { usageOfAnswer as converseUsage } from '../../dialects/bedrock-converse/usage.ts'
import { decodeUsage as cohereUsage } from '../../dialects/cohere/usage.ts'
import { geminiMeter } from '../../dialects/gemini/meter.ts'
import { usageOfAnswer as responsesUsage } from '../../dialects/openai-responses/usage.ts'
import type { TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Usage } from '../../models/price.ts'
import { usageOfTokens } from '../../models/token-usage.ts'
import type { StreamMeter } from '../../relay/answer-meter.ts'
import { readToldUsage } from '../usage.ts'

/** Events of a Messages stream, which tell the usage piece by piece. */
const MESSAGE_EVENTS: ReadonlySet<unknown> = new Set(['message_start', 'message_delta'])

/**
 * Reads the usage of an answer, or of one event after another, of which nobody said what dialect they are in: their members show
 * it, and that dialect's own reader counts, so that an answer costs the same on every way.
 */
export class AnyUsage {
  readonly #messages: StreamMeter = messagesMeter.stream()
  readonly #gemini: StreamMeter = geminiMeter.stream()
  #tier: unknown
  /** As told last; null for nothing. */
  usage: Usage | null = null

  read(value: JsonObject): Usage | null {
    this.#tier = value['service_tier'] ?? this.#tier
    const tokens = this.#tokens(value)
    const usage = tokens === undefined ? readToldUsage({ service_tier: this.#tier, ...value }) : usageOf(tokens)
    if (usage !== null) this.usage = usage
    return usage
  }

  /** By the reader of a dialect that its members show; undefined when it may be OpenAI's. */
  #tokens(value: JsonObject): TokenUsage | null | undefined {
    const { type, usage, response } = value
    if (MESSAGE_EVENTS.has(type)) {
      this.#messages.read(value)
      return this.#messages.usage
    }
    if ('usageMetadata' in value || 'usage_metadata' in value) {
      this.#gemini.read(value)
      return this.#gemini.usage
    }
    if (isObject(response)) return responsesUsage(response)
    if (value['object'] === 'response') return responsesUsage(value)
    if (!isObject(usage)) return undefined
    if (type === 'message' || isDisjoint(usage)) return messagesMeter.readUsage(value)
    if ('inputTokens' in usage) return converseUsage(value)
    return 'billed_units' in usage || isObject(usage['tokens']) ? cohereUsage(usage) : undefined
  }
}

function usageOf(tokens: TokenUsage | null): Usage | null {
  return tokens === null ? null : usageOfTokens(tokens)
}

/** Anthropic counts what was cached beside the input (Messages API, "usage"); others within it, and they tell a total. */
function isDisjoint(usage: JsonObject): boolean {
  if ('total_tokens' in usage || 'prompt_tokens' in usage) return false
  return 'cache_read_input_tokens' in usage || 'cache_creation_input_tokens' in usage
}
