import { FieldProblem, Fields, fieldsOf } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { TextPart, ToolResultPart, UserPart } from '../../ir/parts.ts'
import type { Message, ModelRequest, OutputFormat, Parameters } from '../../ir/request.ts'
import type { RequestContext } from '../dialect.ts'
import { decodeAssistantBlocks, decodeText, decodeUserBlock } from './decode-parts.ts'
import { decodeThinking } from './thinking.ts'
import { decodeTool, decodeToolChoice } from './tools.ts'

/** The body of `POST /v1/messages` as a client writes it. */
export function decodeRequest(body: JsonObject, context: RequestContext): ModelRequest {
  const fields = new Fields(body, '')
  const maxOutputTokens = fields.integer('max_tokens')
  if (maxOutputTokens === undefined) throw new FieldProblem('max_tokens', 'Field required')
  if (maxOutputTokens < 0) throw fields.problem('max_tokens', 'a whole number that is not negative')
  return decodeBody(fields, maxOutputTokens, context)
}

/** The body of `POST /v1/messages/count_tokens`: the same without a limit of output. */
export function decodeCountTokens(body: JsonObject, context: RequestContext): ModelRequest {
  return decodeBody(new Fields(body, ''), undefined, context)
}

function decodeBody(fields: Fields, maxOutputTokens: number | undefined, context: RequestContext): ModelRequest {
  const model = context.model ?? fields.text('model')
  const items = fields.items('messages')
  if (items === undefined) throw new FieldProblem('messages', 'Field required')
  if (items.length === 0) throw new FieldProblem('messages', 'at least one message is required')
  const messages = [...decodeSystem(fields), ...items.flatMap(decodeMessage)]
  const choice = decodeToolChoice(fields.fields('tool_choice'))
  const tools = fields.items('tools')?.map(decodeTool) ?? []
  const output = decodeOutput(fields)
  const metadata = fields.fields('metadata')
  const sampling: Parameters = {
    maxOutputTokens,
    temperature: within(fields, 'temperature', 1),
    topP: within(fields, 'top_p', 1),
    topK: fields.integer('top_k'),
    stop: stopSequences(fields),
  }
  const parameters: Parameters = {
    ...sampling,
    parallelToolCalls: choice.parallelToolCalls,
    reasoning: decodeReasoning(fields, output.effort),
    output: output.format,
    user: metadata?.string('user_id'),
    metadata: metadata?.rest(),
    serviceTier: TIERS[fields.oneOf('service_tier', ['auto', 'standard_only']) ?? ''],
  }
  const stream = fields.boolean('stream') ?? context.stream
  const rest = fields.rest()
  const extra = output.rest === undefined ? rest : { ...rest, output_config: output.rest }
  return {
    dialect: 'anthropic-messages',
    model,
    messages,
    tools,
    toolChoice: choice.toolChoice,
    parameters,
    stream,
    betas: decodeBetas(context),
    extra,
  }
}

/** Say who the client is, and switch nothing on. */
const NAMES_OF_CLIENTS = /^(?:claude-code|oauth)-/

function decodeBetas({ header }: RequestContext): readonly string[] | undefined {
  const value = header?.('anthropic-beta') ?? ''
  const names = value.split(',').map((name) => name.trim())
  const betas = names.filter((name) => name !== '' && !NAMES_OF_CLIENTS.test(name))
  return betas.length === 0 ? undefined : betas
}

const TIERS: Readonly<Record<string, string>> = { auto: 'auto', standard_only: 'default' }

function decodeSystem(fields: Fields): readonly Message[] {
  const value = fields.value('system')
  if (value === undefined) return []
  const parts = typeof value === 'string' ? plain(value) : textBlocks(fields, 'system')
  return parts.length === 0 ? [] : [{ role: 'system', authority: 'system', parts }]
}

function plain(text: string): TextPart[] {
  return text === '' ? [] : [{ type: 'text', text }]
}

function textBlocks(fields: Fields, name: string): readonly TextPart[] {
  return (fields.items(name) ?? []).map((block) => {
    block.oneOf('type', ['text'])
    return decodeText(block)
  })
}

function decodeMessage(message: Fields): Message[] {
  const role = message.oneOf('role', ['user', 'assistant', 'system'])
  if (role === undefined) throw message.problem('role', '"user" or "assistant"')
  const content = message.value('content')
  if (content === undefined) throw new FieldProblem(message.at('content'), 'Field required')
  const text = typeof content === 'string' ? plain(content) : null
  switch (role) {
    case 'system':
      return [{ role, authority: 'system', parts: text ?? textBlocks(message, 'content'), extra: message.rest() }]
    case 'assistant': {
      const parts = text ?? decodeAssistantBlocks(message.array('content') ?? [], message.at('content'))
      return [{ role, parts, extra: message.rest() }]
    }
    case 'user':
      return text === null ? decodeUser(message) : [{ role, parts: text, extra: message.rest() }]
  }
}

/** Results of tools open a user's turn; they are a message of their own here. */
function decodeUser(message: Fields): Message[] {
  const results: ToolResultPart[] = []
  const parts: UserPart[] = []
  for (const [index, item] of (message.array('content') ?? []).entries()) {
    const part = decodeUserBlock(fieldsOf(item, `${message.at('content')}[${index}]`))
    if (part.type === 'tool-result') results.push(part)
    else parts.push(part)
  }
  const extra = message.rest()
  if (results.length === 0) return [{ role: 'user', parts, extra }]
  const answered: Message = { role: 'tool', parts: results }
  return parts.length === 0 ? [{ ...answered, extra }] : [answered, { role: 'user', parts, extra }]
}

interface DecodedOutput {
  readonly format?: OutputFormat | undefined
  readonly effort?: 'low' | 'medium' | 'high' | 'xhigh' | 'max' | undefined
  readonly rest?: JsonObject | undefined
}

/** `output_config`, and `output_format`, as its beta was called. */
function decodeOutput(fields: Fields): DecodedOutput {
  const config = fields.fields('output_config')
  const format = config?.fields('format') ?? fields.fields('output_format')
  const effort = config?.oneOf('effort', ['low', 'medium', 'high', 'xhigh', 'max'])
  if (format === undefined) return { effort, rest: config?.rest() }
  format.oneOf('type', ['json_schema'])
  const schema = format.object('schema')
  if (schema === undefined) throw format.problem('schema', 'an object')
  return { effort, format: { type: 'json-schema', name: 'output', schema, strict: true }, rest: config?.rest() }
}

function decodeReasoning(fields: Fields, effort: DecodedOutput['effort']): Parameters['reasoning'] {
  const thinking = fields.fields('thinking')
  if (thinking === undefined) return decodeThinking(undefined, effort)
  const type = thinking.oneOf('type', ['enabled', 'adaptive', 'disabled'])
  if (type === undefined) throw thinking.problem('type', '"enabled", "adaptive" or "disabled"')
  const budget = thinking.integer('budget_tokens')
  if (type === 'enabled' && budget === undefined) throw new FieldProblem('thinking.budget_tokens', 'Field required')
  if (budget !== undefined && budget < 1024) throw thinking.problem('budget_tokens', 'a whole number from 1024 on')
  thinking.oneOf('display', ['summarized', 'omitted'])
  return decodeThinking(fields.object('thinking'), effort)
}

function within(fields: Fields, name: string, most: number): number | undefined {
  const value = fields.number(name)
  if (value !== undefined && (value < 0 || value > most)) throw fields.problem(name, `a number from 0 to ${most}`)
  return value
}

function stopSequences(fields: Fields): readonly string[] | undefined {
  const sequences = fields.strings('stop_sequences')
  const blank = sequences?.findIndex((sequence) => !/\S/.test(sequence)) ?? -1
  if (blank >= 0) throw new FieldProblem(`stop_sequences[${blank}]`, 'a stop sequence must hold more than white space')
  return sequences
}
