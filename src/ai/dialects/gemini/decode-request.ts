import { FieldProblem, type Fields } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { AssistantPart, TextPart, ToolResultPart, UserPart } from '../../ir/parts.ts'
import type { Message, ModelRequest } from '../../ir/request.ts'
import type { RequestContext } from '../dialect.ts'
import { CallBook } from './calls.ts'
import { decodeGenerationConfig } from './decode-config.ts'
import { decodeModelPart, decodeUserPart } from './decode-parts.ts'
import { decodeTools } from './decode-tools.ts'
import { ModelTurn } from './joined-parts.ts'
import { camelFields, camelItems, camelMember } from './spelling.ts'

/** Reads the body of `generateContent` and `streamGenerateContent`; the model and the method stand in the path. */
export function decodeRequest(body: JsonObject, context: RequestContext): ModelRequest {
  const fields = camelFields(body, '')
  const model = context.model ?? fields.string('model')
  if (model === undefined) throw new FieldProblem('model', 'expected a model in the path')
  const messages: Message[] = []
  const system = camelMember(fields, 'systemInstruction')
  if (system !== undefined) messages.push({ role: 'system', authority: 'system', ...decodeInstructions(system) })
  const contents = camelItems(fields, 'contents')
  if (contents === undefined || contents.length === 0)
    throw new FieldProblem('contents', 'expected at least one content')
  const reading: Reading = { calls: new CallBook(), turn: new ModelTurn(), messages }
  for (const content of contents) decodeContent(content, reading)
  reading.turn.end(messages)
  const config = decodeGenerationConfig(camelMember(fields, 'generationConfig'))
  const { tools, toolChoice, toolConfig } = decodeTools(fields)
  const labels = fields.object('labels')
  const tier = decodeTier(fields)
  const store = fields.boolean('store')
  // Some clients repeat the model of the path.
  fields.value('model')
  const extra = {
    ...fields.rest(),
    ...(config.extra !== undefined && { generationConfig: config.extra }),
    ...(toolConfig !== undefined && { toolConfig }),
  }
  return {
    dialect: 'gemini',
    model,
    messages,
    tools,
    ...(toolChoice !== undefined && { toolChoice }),
    parameters: {
      ...config.parameters,
      ...(labels !== undefined && { metadata: labels }),
      ...(tier !== undefined && { serviceTier: tier }),
      ...(store !== undefined && { store }),
    },
    stream: context.stream,
    ...(Object.keys(extra).length > 0 && { extra }),
  }
}

function decodeTier(fields: Fields): string | undefined {
  const tier = fields.string('serviceTier')?.toLowerCase().replace('service_tier_', '')
  if (tier === undefined) return undefined
  return tier === 'standard' ? 'default' : tier === 'unspecified' ? 'auto' : tier
}

function decodeInstructions(system: Fields): { parts: TextPart[]; extra?: JsonObject } {
  // Its role means nothing here.
  system.value('role')
  const parts = (camelItems(system, 'parts') ?? []).map((part): TextPart => {
    const text = part.text('text')
    const extra = part.rest()
    return { type: 'text', text, ...(extra !== undefined && { extra }) }
  })
  const extra = system.rest()
  return { parts, ...(extra !== undefined && { extra }) }
}

interface Reading {
  readonly calls: CallBook
  readonly turn: ModelTurn
  readonly messages: Message[]
}

function decodeContent(content: Fields, { calls, turn, messages }: Reading): void {
  const role = content.string('role') ?? 'user'
  const parts = camelItems(content, 'parts') ?? []
  const extra = content.rest()
  const more = extra === undefined ? undefined : { extra }
  if (role === 'model') {
    const said = parts.map((part): AssistantPart => {
      return part.has('functionCall') ? calls.decodeCall(part) : decodeModelPart(part)
    })
    return turn.add(said, extra)
  }
  turn.end(messages)
  if (role !== 'user' && role !== 'function') throw content.problem('role', '"user" or "model"')
  const results: ToolResultPart[] = []
  const said: UserPart[] = []
  for (const part of parts) {
    if (part.has('functionResponse')) results.push(calls.decodeResult(part))
    else said.push(decodeUserPart(part))
  }
  if (results.length > 0) messages.push({ role: 'tool', parts: results, ...(said.length === 0 && more) })
  if (said.length > 0 || results.length === 0) messages.push({ role: 'user', parts: said, ...more })
}
