import type { StreamEvent } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { AnswerContext } from '../dialect.ts'
import { innerOf } from '../openai-chat/extra.ts'
import { encodeOutputFormat } from '../openai-output-format.ts'
import { encodeToolChoice, encodeTools } from './tools.ts'

type Start = Pick<Extract<StreamEvent, { type: 'start' }>, 'id' | 'model' | 'createdAt' | 'serviceTier'>

/** The upstream's own id where it is one of this dialect: its logs know the answer by it. */
export function responseId(id: string | undefined, context: AnswerContext): string {
  return id?.startsWith('resp_') === true ? id : `resp_${context.id}`
}

/**
 * The `response` object around an output, with every member that the vendor sends, null where it has nothing to say: strict clients
 * look for each of them. Most repeat the request.
 */
export function responseObject(start: Start, context: AnswerContext): JsonObject {
  const { request } = context
  const { parameters: asked, extra } = request
  return {
    id: responseId(start.id, context),
    object: 'response',
    created_at: start.createdAt ?? context.createdAt,
    status: 'in_progress',
    background: false,
    completed_at: null,
    error: null,
    frequency_penalty: 0,
    incomplete_details: null,
    instructions: instructionsOf(request),
    max_output_tokens: asked.maxOutputTokens ?? null,
    max_tool_calls: extra?.['max_tool_calls'] ?? null,
    metadata: asked.metadata ?? {},
    model: start.model ?? context.model,
    output: [],
    parallel_tool_calls: asked.parallelToolCalls ?? true,
    presence_penalty: 0,
    previous_response_id: null,
    prompt_cache_key: asked.promptCacheKey ?? null,
    prompt_cache_retention: extra?.['prompt_cache_retention'] ?? null,
    reasoning: { effort: asked.reasoning?.effort ?? null, summary: asked.reasoning?.summary ?? null },
    safety_identifier: extra?.['safety_identifier'] ?? null,
    service_tier: start.serviceTier ?? asked.serviceTier ?? 'default',
    store: asked.store ?? false,
    temperature: asked.temperature ?? 1,
    text: {
      ...innerOf(extra, 'text'),
      format: encodeOutputFormat(asked.output ?? { type: 'text' }, 'beside'),
      verbosity: asked.verbosity ?? 'medium',
    },
    tool_choice: extra?.['tool_choice'] ?? encodeToolChoice(request) ?? 'auto',
    tools: toolsOf(request),
    top_logprobs: asked.logprobs?.top ?? 0,
    top_p: asked.topP ?? 1,
    truncation: extra?.['truncation'] ?? 'disabled',
    usage: null,
    user: asked.user ?? null,
  }
}

function instructionsOf({ messages }: ModelRequest): string | null {
  const [first] = messages
  if (first?.role !== 'system' || first.place !== 'instructions') return null
  return first.parts.map((part) => part.text).join('')
}

function toolsOf(request: ModelRequest): JsonObject[] {
  if (request.tools.length === 0) return []
  const spelling = {
    own: true,
    vendor: false,
    losses: new Losses(),
    cache: 'none',
    reasons: null,
    mostOutput: null,
  } as const
  return encodeTools(request, spelling).map((tool) =>
    tool['type'] === 'function' ? { description: null, strict: true, ...tool } : tool,
  )
}
