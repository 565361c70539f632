import { isObject, type JsonObject } from '../../ir/json.ts'
import type { ModelRequest, Tool } from '../../ir/request.ts'
import { reportUncarried } from '../carried.ts'
import type { EncodeContext } from '../dialect.ts'
import { type Block, CacheMarks, MOST_MARKS } from './cache.ts'
import { CARRIES } from './carries.ts'
import { encodeConversation } from './encode-messages.ts'
import type { PartWriting } from './encode-parts.ts'
import { encodeParameters, outputConfig } from './parameters.ts'
import { planThinking } from './thinking.ts'
import { encodeToolChoice, encodeTools } from './tools.ts'

/** The body of `POST /v1/messages`. */
export function encodeRequest(request: ModelRequest, context: EncodeContext): JsonObject {
  const { losses } = context
  const plan = planThinking(request, context)
  const body: Block = { model: context.model, max_tokens: plan.maxTokens }
  encodePrompt(body, request, context)
  encodeParameters(request.parameters, {
    body,
    own: isOwn(request),
    losses,
    thinking: plan.active,
    hasTemperature: request.parameters.temperature !== undefined,
  })
  if (plan.thinking !== undefined) body['thinking'] = plan.thinking
  if (plan.effort !== undefined) outputConfig(body)['effort'] = plan.effort
  if (request.stream) body['stream'] = true
  addRequestExtra(body, request)
  return body
}

/** The body of `POST /v1/messages/count_tokens`: what costs input, and nothing else. */
export function encodeCountTokens(request: ModelRequest, context: EncodeContext): JsonObject {
  const body: Block = { model: context.model }
  encodePrompt(body, request, context)
  const { thinking } = planThinking(request, context)
  if (thinking !== undefined) body['thinking'] = thinking
  return body
}

function isOwn(request: ModelRequest): boolean {
  return request.dialect === 'anthropic-messages'
}

function encodePrompt(body: Block, request: ModelRequest, context: EncodeContext): void {
  const { losses, capabilities } = context
  const own = isOwn(request)
  reportUncarried(request, 'anthropic-messages', CARRIES, losses)
  const marks = new CacheMarks(losses)
  const writing: PartWriting = { own, losses, marks, family: capabilities.family }
  const { toolChoice: choice, parameters } = request
  const offered = own ? request.tools : offeredTools(request, context)
  const tools = encodeTools(offered, writing, marks)
  const { system, messages } = encodeConversation(request, writing)
  if (system !== undefined) body['system'] = system
  body['messages'] = messages
  if (tools.length > 0) {
    body['tools'] = tools
    const named = choice?.type === 'tool' && !tools.some((tool) => tool['name'] === choice.name)
    if (named) losses.drop('tool_choice')
    const words = encodeToolChoice({ choice: named ? undefined : choice, parallel: parameters.parallelToolCalls })
    const onlyHistory = request.tools.length === 0
    if (onlyHistory) body['tool_choice'] = { type: 'none' }
    else if (words !== undefined) body['tool_choice'] = words
  }
  // A mark for the whole request counts as one of them.
  marks.bound(own && request.extra?.['cache_control'] !== undefined ? MOST_MARKS - 1 : MOST_MARKS)
}

/**
 * The tools of a client of another dialect: only those that it allows, and, where it offers none, those that the conversation has
 * calls of, which the API wants to know.
 */
function offeredTools({ tools, toolChoice, messages }: ModelRequest, { losses }: EncodeContext): readonly Tool[] {
  if (toolChoice?.type === 'allowed') {
    losses.adapt('tool_choice')
    const allowed = new Set(toolChoice.names)
    return tools.filter((tool) => tool.type === 'builtin' || allowed.has(tool.name))
  }
  if (tools.length > 0) return tools
  const names = new Set<string>()
  for (const message of messages) {
    if (message.role !== 'assistant') continue
    for (const part of message.parts) if (part.type === 'tool-call') names.add(part.name)
  }
  if (names.size > 0) losses.adapt('tools')
  return [...names].map((name): Tool => ({ type: 'function', name }))
}

/** Members that only this dialect knows go out as they came; those of another one do not. */
function addRequestExtra(body: Block, request: ModelRequest): void {
  if (request.extra === undefined || !isOwn(request)) return
  for (const [name, value] of Object.entries(request.extra)) {
    if (name === 'output_config' && isObject(value)) Object.assign(outputConfig(body), value)
    else body[name] = value
  }
}
