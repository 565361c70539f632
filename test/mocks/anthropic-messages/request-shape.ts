import { danglingReference, openObject } from '../json-schema.ts'
import {
  anything,
  boolean,
  either,
  list,
  matching,
  members,
  number,
  object,
  type Shape,
  tagged,
  text,
  whole,
  words,
} from '../shape.ts'

const cacheControl = members({ type: words('ephemeral') }, { ttl: words('5m', '1h') })
const cached = { cache_control: cacheControl }
const type = anything // the tag itself, which was looked at already

const textBlock = members({ type, text: text(1) }, { ...cached, citations: list(object) })

const imageSource = tagged('type', {
  base64: members({
    type,
    media_type: words('image/jpeg', 'image/png', 'image/gif', 'image/webp'),
    data: matching(/^[A-Za-z0-9+/]+={0,2}$/),
  }),
  url: members({ type, url: matching(/^https?:/) }),
  file: members({ type, file_id: text(1) }),
})
const imageBlock = members({ type, source: imageSource }, { ...cached, transformations: object })

const documentSource = tagged('type', {
  base64: members({ type, media_type: words('application/pdf'), data: matching(/^[A-Za-z0-9+/]+={0,2}$/) }),
  text: members({ type, media_type: words('text/plain'), data: text(1) }),
  content: members({ type, content: either(text(1), list(tagged('type', { text: textBlock, image: imageBlock }))) }),
  url: members({ type, url: matching(/^https?:/) }),
  file: members({ type, file_id: text(1) }),
})
const citations = members({}, { enabled: boolean })
const documentBlock = members(
  { type, source: documentSource },
  { ...cached, citations, title: text(1), context: text() },
)
const searchResult = members(
  { type, source: text(1), title: text(1), content: list(textBlock) },
  { ...cached, citations },
)

const ID = /^[a-zA-Z0-9_-]+$/
const resultContent = tagged('type', {
  text: textBlock,
  image: imageBlock,
  document: documentBlock,
  search_result: searchResult,
  tool_reference: members({ type, tool_name: text(1) }, cached),
})
const toolResult = members(
  { type, tool_use_id: matching(ID) },
  { ...cached, content: either(text(), list(resultContent)), is_error: boolean },
)

const userBlock = tagged('type', {
  text: textBlock,
  image: imageBlock,
  document: documentBlock,
  search_result: searchResult,
  tool_result: toolResult,
  container_upload: members({ type, file_id: text(1) }, cached),
})

const serverResult = members({ type, tool_use_id: text(1), content: anything }, { ...cached, caller: object })
const assistantBlock = tagged('type', {
  text: textBlock,
  thinking: members({ type, thinking: text(), signature: text(1) }),
  redacted_thinking: members({ type, data: text(1) }),
  tool_use: members(
    { type, id: matching(ID), name: matching(/^[a-zA-Z0-9_-]{1,128}$/), input: object },
    { ...cached, caller: object },
  ),
  server_tool_use: members({ type, id: matching(ID), name: text(1), input: object }, { ...cached, caller: object }),
  web_search_tool_result: serverResult,
  web_fetch_tool_result: serverResult,
  code_execution_tool_result: serverResult,
  bash_code_execution_tool_result: serverResult,
  mcp_tool_use: members({ type, id: matching(ID), name: text(1), server_name: text(1), input: object }, cached),
  mcp_tool_result: members({ type, tool_use_id: text(1) }, { ...cached, content: anything, is_error: boolean }),
})

const message = tagged('role', {
  user: members({ role: type, content: either(text(), list(userBlock)) }),
  assistant: members({ role: type, content: either(text(), list(assistantBlock)) }),
})

const customTool = members(
  { name: matching(/^[a-zA-Z0-9_-]{1,128}$/), input_schema: inputSchema },
  {
    ...cached,
    type: words('custom'),
    description: text(),
    strict: boolean,
    defer_loading: boolean,
    input_examples: list(object),
    allowed_callers: list(text(1)),
    eager_input_streaming: boolean,
  },
)

function inputSchema(value: unknown, path: string) {
  return members({ type: words('object') }, ANY_SCHEMA)(value, path) ?? schema(value, path)
}

/** References lead somewhere within it. */
function schema(value: unknown, path: string) {
  const reference = danglingReference(value)
  if (reference === null) return object(value, path)
  return { path, what: `JSON schema is invalid: reference '${reference}' cannot be resolved` }
}
/** Keywords of JSON Schema that the tests use. */
const ANY_SCHEMA: Readonly<Record<string, Shape>> = Object.fromEntries(
  [
    'properties',
    'required',
    'additionalProperties',
    'description',
    'title',
    '$defs',
    'definitions',
    '$schema',
    'anyOf',
  ].map((name) => [name, anything]),
)

/** Tools that the vendor runs or defines: a name and a version. */
const VENDOR_TOOL =
  /^(web_search|web_fetch|code_execution|computer|bash|text_editor|memory|tool_search_tool_(bm25|regex))_20\d{6}$/

function tool(value: unknown, path: string) {
  const kind = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
  if (typeof kind === 'string' && VENDOR_TOOL.test(kind)) return object(value, path)
  return customTool(value, path)
}

const one = { disable_parallel_tool_use: boolean }
const toolChoice = tagged('type', {
  auto: members({ type }, one),
  any: members({ type }, one),
  tool: members({ type, name: text(1) }, one),
  none: members({ type }),
})
const display = { display: words('summarized', 'omitted') }
const thinking = tagged('type', {
  enabled: members({ type, budget_tokens: whole(1024) }, display),
  adaptive: members({ type }, display),
  disabled: members({ type }),
})
const format = members({ type: words('json_schema'), schema: closedSchema })

/** A model is held to objects that are closed ("Structured outputs"). */
function closedSchema(value: unknown, path: string) {
  const problem = schema(value, path)
  if (problem !== null) return problem
  const open = openObject(value)
  return open ? { path, what: "For 'object' type, 'additionalProperties' must be explicitly set to false" } : null
}
const outputConfig = members(
  {},
  { effort: words('low', 'medium', 'high', 'xhigh', 'max'), format, task_budget: object },
)

const prompt: Readonly<Record<string, Shape>> = {
  cache_control: cacheControl,
  system: either(text(), list(textBlock)),
  thinking,
  tool_choice: toolChoice,
  tools: list(tool),
  output_config: outputConfig,
}

/** `POST /v1/messages`. */
export const messagesShape: Shape = members(
  { model: text(1), messages: list(message, 1), max_tokens: whole(1) },
  {
    ...prompt,
    metadata: members({}, { user_id: text() }),
    service_tier: words('auto', 'standard_only'),
    stop_sequences: list(matching(/\S/)),
    stream: boolean,
    temperature: number(0, 1),
    top_p: number(0, 1),
    top_k: whole(0),
    container: anything,
    inference_geo: text(),
    mcp_servers: list(object),
    context_management: object,
  },
)

/** `POST /v1/messages/count_tokens`. */
export const countTokensShape: Shape = members(
  { model: text(1), messages: list(message, 1) },
  { ...prompt, mcp_servers: list(object), context_management: object },
)
