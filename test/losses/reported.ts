import type { Reading } from '../../src/ai/dialects/answer-shape.ts'
import { isObject } from '../../src/ai/ir/json.ts'
import { MARK } from './members.ts'
import { isMarked, type Outcome } from './outcome.ts'
import type { Path, WireMark } from './wire.ts'

const CITED = ['citations', 'annotations'] as const
const CALL = ['tool_call'] as const
const THOUGHT = ['reasoning'] as const
const ENDED = ['finish_reason', 'stop_reason', 'status', 'finishReason', 'stop_sequence', 'sequence'] as const

/** What the report calls a thing, where not by its name on the wire. */
const CALLED: Readonly<Record<string, readonly string[]>> = {
  annotations: CITED,
  annotation: CITED,
  citation: CITED,
  citations: CITED,
  citationsContent: CITED,
  citationMetadata: CITED,
  groundingChunks: CITED,
  groundingSupports: CITED,
  tool_calls: CALL,
  function_call: CALL,
  custom_tool_call: CALL,
  functionCall: CALL,
  toolUse: CALL,
  tool_use: CALL,
  reasoning_content: THOUGHT,
  reasoning_details: [...THOUGHT, ...CALL],
  reasoningContent: THOUGHT,
  thinking: THOUGHT,
  redacted_thinking: THOUGHT,
  'response.function_call_arguments.delta': CALL,
  'response.custom_tool_call_input.delta': CALL,
  'response.reasoning_summary_text.delta': THOUGHT,
  'response.reasoning_text.delta': THOUGHT,
  thinking_delta: THOUGHT,
  signature_delta: THOUGHT,
  input_json_delta: CALL,
  cited_text: ['quote'],
  sourceContent: ['quote'],
  text: ['quote'],
  webSearchQueries: ['web_searches'],
  content: ['quote'],
  images: ['image'],
  logprobsResult: ['logprobs'],
  serviceTier: ['service_tier'],
  service_tier: ['service_tier'],
  web_search_requests: ['web_searches'],
  search_units: ['web_searches'],
  start_index: ['start'],
  end_index: ['end'],
  ephemeral_1h_input_tokens: ['cache_write_1h_tokens'],
  cacheDetails: ['cache_write_1h_tokens', 'cache_write_tokens'],
  promptTokensDetails: ['audio_tokens', 'image_tokens'],
  candidatesTokensDetails: ['audio_tokens', 'image_tokens'],
  image_tokens: ['image_tokens'],
  thoughtSignature: ['signature', ...CALL, ...THOUGHT],
  inlineData: ['image', 'audio'],
  image_generation_call: ['image'],
  finish_reason: ENDED,
  stop_reason: ENDED,
  stop_sequence: ENDED,
  stopReason: ENDED,
  finishReason: ENDED,
  incomplete_details: ENDED,
  done_reason: ENDED,
  choices: ['n'],
  candidates: ['n'],
  image_url: ['image'],
  input_image: ['image'],
  input_audio: ['audio'],
  file: ['document'],
  input_file: ['document'],
  fileData: ['image', 'audio', 'video', 'document'],
  videoMetadata: ['video'],
  mediaResolution: ['detail', 'image', 'video'],
  web_search_options: ['web-search'],
  web_search_20250305: ['web-search'],
  googleSearch: ['web-search'],
  urlContext: ['url-context'],
  codeExecution: ['code-execution'],
  memory_20250818: ['memory'],
  computer_20250124: ['computer'],
}

/** Members that hold everything: that one of them is named tells nothing of what is in it. */
const VAST: ReadonlySet<string> = new Set([
  'data',
  'choices',
  'message',
  'delta',
  'content',
  'response',
  'output',
  'item',
  'part',
  'candidates',
  'parts',
  'usage',
  'usageMetadata',
  'text',
])

/** Whether a report names a mark: by itself, or with the whole that it stands in. */
export function isReported({ name, within }: WireMark, { dropped, adapted }: Outcome): boolean {
  const names = new Set([...dropped, ...adapted].map((name) => name.slice(name.lastIndexOf('.') + 1).replace('[]', '')))
  if (names.has(MARK) || names.has(name.slice(name.lastIndexOf('.') + 1).replace('[]', ''))) return true
  for (const member of within) {
    if (!VAST.has(member) && names.has(member)) return true
    if (CALLED[member]?.some((name) => names.has(name)) === true) return true
  }
  return false
}

const BASE64 = /[A-Za-z0-9+/_-]{12,}={0,2}/g

/** Whether a mark arrived, as it is or within what is told as base64. */
export function isArrived(body: string): boolean {
  if (isMarked(body)) return true
  for (const [text] of body.matchAll(BASE64)) if (isMarked(Buffer.from(text, 'base64').toString('latin1'))) return true
  return false
}

/** What a decoder's tables say of the member at a path: the first word that is said of it, or of a whole that it stands in. */
export function readingOf(value: unknown, path: Path, table: Reading): string | null {
  let [at, reading]: [unknown, Reading | undefined] = [value, table]
  for (const step of path) {
    while (typeof reading === 'function') reading = isObject(at) ? reading(at) : undefined
    if (typeof reading === 'string') return reading
    if (reading === undefined) return null
    if (typeof step === 'number') reading = Array.isArray(reading) ? (reading[0] as Reading) : undefined
    else if (!Array.isArray(reading)) {
      const members = reading as Readonly<Record<string, Reading>>
      reading = (Object.hasOwn(members, step) ? members[step] : members['*']) ?? 'lost'
    }
    at = typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[step] : undefined
  }
  return typeof reading === 'string' ? reading : null
}
