import { FieldProblem, type Fields, fieldsOf } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { Message, ModelRequest, OutputFormat, Parameters } from '../../ir/request.ts'
import type { RequestContext } from '../dialect.ts'
import { withInner } from '../openai-chat/extra.ts'
import { decodeOutputFormat } from '../openai-output-format.ts'
import { decodeInput } from './decode-input.ts'
import { decodeReasoning } from './reasoning.ts'
import { decodeToolChoice, decodeTools, flatNamesOf } from './tools.ts'

/** What would be missing without the vendor, who keeps it: the rest of the request makes no sense alone. */
const KEPT_ELSEWHERE: Readonly<Record<string, string>> = {
  previous_response_id: 'the answer before this one is not kept here: send the whole conversation as "input"',
  conversation: 'conversations are not kept here: send the whole conversation as "input"',
  prompt: 'prompt templates are not kept here: send their text as "instructions" or "input"',
}

/** A client's request. Throws a FieldProblem for what is wrong in this dialect. */
export function decodeRequest(body: JsonObject, context: RequestContext): ModelRequest {
  const fields = fieldsOf(body, '')
  const model = context.model ?? fields.text('model')
  fields.value('model')
  for (const name of Object.keys(KEPT_ELSEWHERE)) {
    if (fields.has(name)) throw new FieldProblem(name, KEPT_ELSEWHERE[name] ?? '')
  }
  if (fields.boolean('background') === true) {
    throw new FieldProblem('background', 'this model answers while you wait only: leave it out')
  }
  const reasoning = decodeReasoning(fields)
  const text = fields.fields('text')
  const names = flatNamesOf(body)
  const tools = decodeTools(fields, names)
  const request: ModelRequest = {
    dialect: 'openai-responses',
    model,
    messages: [...decodeInstructions(fields), ...decodeInput(fields, names, context.losses)],
    tools,
    toolChoice: decodeToolChoice(fields, body, tools),
    parameters: { ...decodeParameters(fields, text, context.losses), reasoning: reasoning.asked },
    stream: fields.boolean('stream') ?? false,
  }
  const include = decodeInclude(fields)
  // What the dialect does without being asked.
  if (body['truncation'] === 'disabled') fields.value('truncation')
  const known = withInner(withInner(fields.rest(), 'text', text?.rest()), 'reasoning', reasoning.rest)
  const extra = include.length === 0 ? known : { ...known, include }
  return extra === undefined ? request : { ...request, extra }
}

function decodeInstructions(body: Fields): Message[] {
  const text = body.string('instructions')
  if (text === undefined || text === '') return []
  return [{ role: 'system', authority: 'system', place: 'instructions', parts: [{ type: 'text', text }] }]
}

/** What is shown without being asked for here, or asked for by a parameter. */
const INCLUDED: ReadonlySet<string> = new Set(['reasoning.encrypted_content', 'message.output_text.logprobs'])

function decodeInclude(body: Fields): string[] {
  return (body.strings('include') ?? []).filter((name) => !INCLUDED.has(name))
}

function decodeParameters(body: Fields, text: Fields | undefined, losses: Losses): Parameters {
  const top = body.integer('top_logprobs')
  const wantsLogprobs = body.strings('include')?.includes('message.output_text.logprobs') ?? false
  const options = body.fields('stream_options')
  options?.value('include_obfuscation')
  options?.report(losses)
  const user = body.string('user')
  return {
    maxOutputTokens: body.positive('max_output_tokens'),
    temperature: body.number('temperature'),
    topP: body.number('top_p'),
    logprobs: wantsLogprobs || (top !== undefined && top > 0) ? { top: top ?? 0 } : undefined,
    parallelToolCalls: body.boolean('parallel_tool_calls'),
    output: text === undefined ? undefined : decodeFormat(text, losses),
    verbosity: text?.oneOf('verbosity', ['low', 'medium', 'high'] as const),
    user: user ?? body.string('safety_identifier'),
    metadata: body.object('metadata'),
    serviceTier: body.string('service_tier'),
    store: body.boolean('store'),
    promptCacheKey: body.string('prompt_cache_key'),
  }
}

function decodeFormat(text: Fields, losses: Losses): OutputFormat | undefined {
  const format = text.fields('format')
  return format === undefined ? undefined : decodeOutputFormat(format, 'beside', losses)
}
