/*
 * Every member of the neutral form with a value that can be found again. The tables are exhaustive by type: who adds a member
 * says here what it looks like, and the tests then ask every encoder for it.
 */
import type { AnyPart } from '../../src/ai/dialects/carried.ts'
import type { Citation, MediaSource, Signature } from '../../src/ai/ir/parts.ts'
import type { Message, ModelRequest, Parameters, Tool } from '../../src/ai/ir/request.ts'

/** Stands in each value that is a text; in no other text of the requests. */
export const MARK = 'zq7marker'
/** The same, as the bytes of something. */
export const MARK_BYTES = Buffer.from(`data of the ${MARK}!`).toString('base64')

export type PartType = AnyPart['type']
type PartOf<Type extends PartType> = Extract<AnyPart, { type: Type }>
/** Values to try; none: the member names a thing, or says in what form it came, and nothing to a model. */
type Values<Value> = readonly Exclude<Value, undefined>[]
type MembersOf<Thing> = { readonly [Name in Exclude<keyof Thing, 'type'>]-?: Values<Thing[Name]> }

const MADE: readonly never[] = []
const FAMILIES: readonly Signature['family'][] = ['anthropic', 'openai', 'gemini', 'other']
const SEALS: readonly Signature[] = FAMILIES.map((family) => ({ family, value: MARK }))
const EXTRA = { [MARK]: 1 }
const CACHE = [{}, { ttl: '1h' }] as const
const CITATION: Citation = { url: `https://a.example/${MARK}`, title: MARK, quote: MARK, start: 0, end: 2 }
const CITATIONS: readonly (readonly Citation[])[] = [
  [CITATION],
  [{ raw: { dialect: 'anthropic-messages', value: { type: 'char_location', cited_text: MARK } } }],
  [{ raw: { dialect: 'openai-responses', value: { type: 'file_citation', filename: MARK } } }],
  [{ raw: { dialect: 'gemini', value: { uri: MARK } } }],
]

function sources(...mediaTypes: readonly string[]): readonly MediaSource[] {
  return [
    ...mediaTypes.map((mediaType) => ({ kind: 'data', mediaType, base64: MARK_BYTES }) as const),
    { kind: 'url', url: `https://a.example/${MARK}.bin` },
    { kind: 'file', id: MARK },
    { kind: 'text', text: MARK },
  ]
}

/** What is asked for of each part. The first value of a member without which there is no part also stands in its plain form. */
export const PARTS: { readonly [Type in PartType]: MembersOf<PartOf<Type>> } = {
  text: { text: [MARK], citations: CITATIONS, cache: CACHE, signature: SEALS, itemId: MADE, extra: [EXTRA] },
  image: {
    source: sources('image/png', 'image/jpeg', 'image/bmp'),
    detail: ['low', 'high', 'original'],
    cache: CACHE,
    extra: [EXTRA],
  },
  document: {
    source: sources('application/pdf', 'text/plain', 'application/json', 'application/zip'),
    name: [MARK],
    context: [MARK],
    citations: [true],
    cache: CACHE,
    extra: [EXTRA],
  },
  audio: {
    source: sources('audio/wav', 'audio/mpeg', 'audio/flac', 'audio/pcm'),
    transcript: [MARK],
    id: [MARK],
    extra: [EXTRA],
  },
  video: { source: sources('video/mp4', 'video/x-unheard'), extra: [EXTRA] },
  'tool-call': {
    id: MADE,
    name: [MARK],
    namespace: MADE,
    arguments: [`{"a":"${MARK}"}`, `{"a":"${MARK}`],
    custom: MADE,
    signature: SEALS,
    cache: CACHE,
    itemId: MADE,
    extra: [EXTRA],
  },
  'tool-result': {
    callId: MADE,
    name: MADE,
    content: [[{ type: 'text', text: MARK }]],
    isError: [true],
    custom: MADE,
    cache: CACHE,
    extra: [EXTRA],
  },
  reasoning: { text: [MARK], summary: MADE, signature: SEALS, sealed: SEALS, itemId: MADE, extra: [EXTRA] },
  refusal: { text: [MARK], itemId: MADE },
  opaque: { dialect: MADE, name: MADE, value: [{ type: 'odd', [MARK]: 1 }] },
}

/** Each part with nothing but what it must have. */
export const PLAIN: { readonly [Type in PartType]: PartOf<Type> } = {
  text: { type: 'text', text: 'said' },
  image: { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AAAA' } },
  document: { type: 'document', source: { kind: 'data', mediaType: 'application/pdf', base64: 'AAAA' } },
  audio: { type: 'audio', source: { kind: 'data', mediaType: 'audio/wav', base64: 'AAAA' } },
  video: { type: 'video', source: { kind: 'data', mediaType: 'video/mp4', base64: 'AAAA' } },
  'tool-call': { type: 'tool-call', id: 'call_1', name: 'alpha', arguments: '{}' },
  'tool-result': { type: 'tool-result', callId: 'call_1', content: [{ type: 'text', text: 'found' }], isError: false },
  reasoning: { type: 'reasoning', text: 'thought' },
  refusal: { type: 'refusal', text: 'no' },
  opaque: { type: 'opaque', dialect: 'openai-responses', name: 'odd', value: { type: 'odd' } },
}

/** Members without which there is no part: its absence is that of the whole. */
export const SUBSTANCE: ReadonlySet<string> = new Set(['text', 'source', 'content', 'value', 'name'])

type ToolMembers = { readonly [Type in Tool['type']]: MembersOf<Extract<Tool, { type: Type }>> }

export const TOOLS: ToolMembers = {
  function: {
    name: [MARK],
    namespace: MADE,
    description: [MARK],
    parameters: [{ type: 'object', properties: { [MARK]: { type: 'string' } }, required: [MARK] }],
    strict: [true],
    cache: CACHE,
    extra: [EXTRA],
  },
  custom: {
    name: [MARK],
    namespace: MADE,
    description: [MARK],
    format: [{ type: 'grammar', syntax: 'lark', definition: MARK }],
    extra: [EXTRA],
  },
  builtin: {
    kind: MADE,
    definition: [{ type: 'odd', name: MARK }],
    cache: CACHE,
  },
}

export const PLAIN_TOOLS: { readonly [Type in Tool['type']]: Extract<Tool, { type: Type }> } = {
  function: {
    type: 'function',
    name: 'beta',
    parameters: {
      type: 'object',
      properties: { x: { type: 'string' } },
      required: ['x'],
      additionalProperties: false,
    },
  },
  custom: { type: 'custom', name: 'gamma' },
  builtin: { type: 'builtin', kind: 'other', definition: { type: 'odd' } },
}

const SCHEMA = {
  type: 'object',
  properties: { [MARK]: { type: 'string' } },
  required: [MARK],
  additionalProperties: false,
}

export const PARAMETERS: { readonly [Name in keyof Parameters]-?: Values<Parameters[Name]> } = {
  maxOutputTokens: [7777],
  temperature: [0.37],
  topP: [0.97],
  topK: [37],
  minP: [0.37],
  frequencyPenalty: [0.37],
  presencePenalty: [0.37],
  seed: [3737],
  stop: [[MARK]],
  choices: [3],
  logprobs: [{ top: 3 }],
  logitBias: [{ 3737: 5 }],
  parallelToolCalls: [false],
  reasoning: [
    { effort: 'high' },
    { effort: 'none' },
    { budgetTokens: 3737 },
    { mode: 'enabled', budgetTokens: 3737 },
    { mode: 'adaptive' },
    { effort: 'low', summary: 'detailed' },
  ],
  output: [{ type: 'json' }, { type: 'json-schema', name: 'n', schema: SCHEMA, strict: true }],
  verbosity: ['low'],
  user: [MARK],
  metadata: [{ a: MARK }],
  serviceTier: ['flex', 'priority', MARK],
  store: [true],
  promptCacheKey: [MARK],
  modalities: [['text', 'audio']],
  audioOutput: [{ voice: MARK, format: 'wav' }],
  prediction: [MARK],
  includeUsage: MADE,
}

/** Members of the whole request beside those that have tables of their own. */
export const REQUEST: Pick<MembersOf<ModelRequest>, 'extra' | 'betas'> = {
  extra: [EXTRA],
  betas: [[MARK], ['context-1m-2025-08-07']],
}

type MessageMembers = {
  readonly [Role in Message['role']]: Omit<MembersOf<Extract<Message, { role: Role }>>, 'role' | 'parts'>
}

export const MESSAGES: MessageMembers = {
  system: { authority: MADE, place: MADE, name: [MARK], extra: [EXTRA] },
  user: { name: [MARK], extra: [EXTRA] },
  assistant: { name: [MARK], extra: [EXTRA] },
  tool: { extra: [EXTRA] },
}
