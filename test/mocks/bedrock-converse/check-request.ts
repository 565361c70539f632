/*
 * Holds a request against what Bedrock's Converse API takes: method, path, headers, every member and its limits, and the rules between
 * them. Written from the public API reference of Amazon Bedrock Runtime ("Converse", "ConverseStream" and their types, 2026), and from
 * the service's validation messages as its users report them.
 */
import { danglingReference } from '../json-schema.ts'
import {
  anything,
  boolean,
  isMembers,
  list,
  type Members,
  matching,
  members,
  number,
  object,
  type Shape,
  text,
  union,
  type Wrong,
  whole,
  words,
} from '../shape.ts'

export interface MockRequest {
  readonly method: string
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: unknown
}

export interface Refusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Members
}

const PATH = /^\/model\/[^/]+\/(converse|converse-stream)$/

/** Null: the service would take it. */
export function checkRequest({ method, path, headers, body }: MockRequest): Refusal | null {
  if (method !== 'POST' || !PATH.test(path)) return refuse(404, 'UnknownOperationException', 'no such operation')
  const authorization = headers['authorization']
  if (authorization === undefined) return refuse(403, 'AccessDeniedException', 'Missing Authentication Token')
  if (!/^(Bearer |AWS4-HMAC-SHA256 )/.test(authorization)) {
    return refuse(403, 'AccessDeniedException', 'Authorization header is malformed')
  }
  if (headers['content-type'] !== 'application/json') {
    return refuse(415, 'ValidationException', 'content-type must be application/json')
  }
  const wrong = checkBody(body)
  return wrong === null ? null : refuse(400, 'ValidationException', `${wrong.what} (${wrong.path})`)
}

function refuse(status: number, type: string, message: string): Refusal {
  return {
    status,
    headers: { 'x-amzn-errortype': `${type}:http://internal.amazon.com/`, 'x-amzn-requestid': 'r' },
    body: { message },
  }
}

const bytes = matching(/^[A-Za-z0-9+/]+={0,2}$/)
const s3Location = members({ uri: matching(/^s3:\/\//) }, { bucketOwner: text(1) })
const source = union({ bytes, s3Location })
const filled = matching(/\S/)
const cachePoint = members({ type: words('default') }, { ttl: words('5m', '1h') })
const image = members({ format: words('png', 'jpeg', 'gif', 'webp'), source })
const video = members({ format: words('mkv', 'mov', 'mp4', 'webm', 'flv', 'mpeg', 'mpg', 'wmv', 'three_gp'), source })
const audio = members({ format: text(1), source })
const document = members(
  {
    format: words('pdf', 'csv', 'doc', 'docx', 'xls', 'xlsx', 'html', 'txt', 'md'),
    name: matching(/^(?!.*\s\s)[A-Za-z0-9\s()[\]-]{1,200}$/),
    source: union({ bytes, s3Location, text: filled, content: list(union({ text: filled })) }),
  },
  { context: text(1), citations: members({ enabled: boolean }) },
)
const ID = matching(/^[a-zA-Z0-9_-]{1,64}$/)
const toolUse = members({ toolUseId: ID, name: ID, input: object })
const toolResult = members(
  { toolUseId: ID, content: list(union({ text: filled, json: object, image, document, video }), 1) },
  { status: words('success', 'error') },
)
const reasoningText = members({ text: text() }, { signature: text(1) })
const block = union({
  text: filled,
  image,
  video,
  audio,
  document,
  toolUse,
  toolResult,
  cachePoint,
  guardContent: object,
  reasoningContent: union({ reasoningText, redactedContent: bytes }),
})
const toolSpec = members(
  { name: ID, inputSchema: union({ json: objectSchema }) },
  { description: text(1), strict: boolean },
)

function objectSchema(value: unknown, path: string): Wrong | null {
  const reference = danglingReference(value)
  if (reference !== null) return { path, what: `The JSON schema defined at ${path} is invalid: ${reference}` }
  if (isMembers(value) && value['type'] === 'object') return null
  return {
    path,
    what: 'The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object',
  }
}

const jsonSchema = members({ schema: text(2) }, { name: text(1), description: text(1) })
const textFormat = members({ type: words('json_schema'), structure: union({ jsonSchema }) })
const none = members({})

const converse: Shape = members(
  { messages: list(members({ role: words('user', 'assistant'), content: list(block, 1) }), 1) },
  {
    system: list(union({ text: filled, cachePoint, guardContent: object })),
    inferenceConfig: members(
      {},
      { maxTokens: whole(1), temperature: number(0, 1), topP: number(0, 1), stopSequences: list(filled) },
    ),
    toolConfig: members(
      { tools: list(union({ toolSpec, cachePoint, systemTool: object }), 1) },
      { toolChoice: union({ auto: none, any: none, tool: members({ name: ID }) }) },
    ),
    additionalModelRequestFields: object,
    additionalModelResponseFieldPaths: list(text(1)),
    guardrailConfig: object,
    performanceConfig: members({}, { latency: words('standard', 'optimized') }),
    serviceTier: members({ type: words('default', 'priority', 'flex', 'reserved') }),
    requestMetadata: strings,
    promptVariables: anything,
    outputConfig: members({}, { textFormat, effort: text(1) }),
  },
)

function strings(value: unknown, path: string): Wrong | null {
  const entries = isMembers(value) ? Object.entries(value) : null
  const fits = entries?.every(([name, item]) => name.length <= 256 && typeof item === 'string' && item.length <= 256)
  return fits === true && (entries?.length ?? 0) <= 16 ? null : { path, what: 'must be at most 16 short texts' }
}

/** What is wrong with a body, or null. */
export function checkBody(body: unknown): Wrong | null {
  const wrong = converse(body, '')
  if (wrong !== null || !isMembers(body)) return wrong
  return checkTurns(body) ?? checkDocuments(body) ?? checkTools(body) ?? checkPoints(body) ?? checkThinking(body)
}

interface Turn {
  readonly role: unknown
  readonly blocks: readonly Members[]
}

function turnsOf(body: Members): Turn[] {
  const messages = Array.isArray(body['messages']) ? body['messages'].filter(isMembers) : []
  return messages.map(({ role, content }) => ({
    role,
    blocks: Array.isArray(content) ? content.filter(isMembers) : [],
  }))
}

function checkTurns(body: Members): Wrong | null {
  const turns = turnsOf(body)
  if (turns[0]?.role !== 'user') return { path: 'messages', what: 'A conversation must start with a user message.' }
  for (const [index, { role, blocks }] of turns.entries()) {
    const path = `messages.${index}`
    const before = turns[index - 1]
    if (before?.role === role) return { path, what: 'A conversation must alternate between user and assistant roles.' }
    const called = role === 'user' ? idsIn(before, 'toolUse') : []
    const results = idsIn({ role, blocks }, 'toolResult')
    if (results.length > called.length) {
      return { path, what: 'The number of toolResult blocks exceeds the number of toolUse blocks of previous turn.' }
    }
    const open = called.find((id) => !results.includes(id))
    if (open !== undefined) return { path, what: `Expected toolResult blocks for the following Ids: ${open}` }
    if (role === 'assistant') {
      const last = blocks.at(-1)?.['text']
      const ends = index === turns.length - 1 && typeof last === 'string' && /\s$/.test(last)
      if (ends) return { path, what: 'final assistant content cannot end with trailing whitespace' }
    }
  }
  return null
}

function idsIn(turn: Turn | undefined, kind: 'toolUse' | 'toolResult'): string[] {
  const found = turn?.blocks.map((item) => item[kind]).filter(isMembers) ?? []
  return found.map(({ toolUseId }) => String(toolUseId))
}

function checkDocuments(body: Members): Wrong | null {
  const names = new Set<unknown>()
  for (const [index, { blocks }] of turnsOf(body).entries()) {
    const documents = blocks.map((item) => item['document']).filter(isMembers)
    const path = `messages.${index}`
    if (documents.length > 0 && !blocks.some((item) => item['text'] !== undefined)) {
      return { path, what: 'A text block must be included in the message with the document' }
    }
    for (const { name } of documents) {
      if (names.has(name)) return { path, what: 'Document names must be unique' }
      names.add(name)
    }
  }
  return null
}

function checkTools(body: Members): Wrong | null {
  const config = body['toolConfig']
  const used = turnsOf(body).some(({ blocks }) => blocks.some((item) => 'toolUse' in item || 'toolResult' in item))
  if (!isMembers(config)) {
    const what = 'The toolConfig field must be defined when using toolUse and toolResult content blocks.'
    return used ? { path: 'toolConfig', what } : null
  }
  const tools = Array.isArray(config['tools']) ? config['tools'].filter(isMembers) : []
  const names = tools
    .map(({ toolSpec: spec }) => (isMembers(spec) ? spec['name'] : undefined))
    .filter((name) => name !== undefined)
  if (new Set(names).size < names.length) return { path: 'toolConfig.tools', what: 'tool names must be unique' }
  const choice = config['toolChoice']
  const wanted = isMembers(choice) && isMembers(choice['tool']) ? choice['tool']['name'] : undefined
  return wanted !== undefined && !names.includes(wanted)
    ? { path: 'toolConfig.toolChoice', what: 'the tool is not among the tools' }
    : null
}

function checkPoints(body: Members): Wrong | null {
  const points = JSON.stringify(body).split('"cachePoint":').length - 1
  return points > 4 ? { path: 'cachePoint', what: 'at most 4 cache points may be provided' } : null
}

function checkThinking(body: Members): Wrong | null {
  const fields = body['additionalModelRequestFields']
  const thinking = isMembers(fields) ? fields['thinking'] : undefined
  if (!isMembers(thinking) || thinking['type'] === 'disabled') return null
  const inference = isMembers(body['inferenceConfig']) ? body['inferenceConfig'] : {}
  const { maxTokens, temperature } = inference
  const budget = thinking['budget_tokens']
  if (typeof budget === 'number' && (typeof maxTokens !== 'number' || maxTokens <= budget)) {
    return { path: 'inferenceConfig.maxTokens', what: '`max_tokens` must be greater than `thinking.budget_tokens`' }
  }
  return temperature !== undefined && temperature !== 1
    ? { path: 'inferenceConfig.temperature', what: '`temperature` may only be set to 1 when thinking is enabled' }
    : null
}
