import { type Exchange, GatewayError } from '../../core/index.ts'
import type { ReadPath } from '../conversation/conversation-route.ts'
import { type ClientDialectName, READERS } from '../conversation/readers.ts'
import type { PathFacts } from '../conversation/request-reader.ts'
import type { Surface } from '../conversation/surface.ts'
import { clientDialect, loadDialects } from '../dialects/tables.ts'
import { decodedSegment } from '../path-segment.ts'

/** A conversation's path, and what a key needs to use it. */
export interface ConversationRow {
  /** As records, metrics and limits call it. */
  readonly name: string
  readonly scope: string
  readonly dialect: ClientDialectName
  /** An exact path, or with a slash at the end a prefix that the model follows. */
  readonly path: string
  readonly readPath: ReadPath | null
  /** Its clients may ask for an answer again, and go on with it; absent: answers are given once. */
  readonly answersKept?: true
  /** Most of its clients do not send back what vendors sealed: it is kept for them. */
  readonly sealsKept?: true
  /** The model whose tokens a path of this prefix asks to be counted; null for other paths, absent: there are none. */
  readonly countedAt?: (x: Exchange) => string | null
}

const OF_PATH = { readPath: modelOfPath, countedAt }

/** Every way for clients to hold a conversation. */
export const CONVERSATIONS: readonly ConversationRow[] = [
  {
    name: 'chat.completions',
    scope: 'chat.completions',
    dialect: 'openai-chat',
    path: '/v1/chat/completions',
    readPath: null,
    sealsKept: true,
  },
  {
    name: 'completions',
    scope: 'completions.create',
    dialect: 'openai-completions',
    path: '/v1/completions',
    readPath: null,
  },
  {
    name: 'responses',
    scope: 'responses.create',
    dialect: 'openai-responses',
    path: '/v1/responses',
    readPath: null,
    answersKept: true,
  },
  { name: 'messages', scope: 'messages.create', dialect: 'anthropic-messages', path: '/v1/messages', readPath: null },
  { name: 'content', scope: 'content.generate', dialect: 'gemini', path: '/v1beta/models/', ...OF_PATH },
  { name: 'content', scope: 'content.generate', dialect: 'gemini', path: '/v1/models/', ...OF_PATH },
]

/** Paths on which a client asks how many tokens a request has. */
export const COUNTS = [
  {
    name: 'messages.count',
    scope: 'messages.create',
    dialect: 'anthropic-messages',
    path: '/v1/messages/count_tokens',
  },
] as const

/** The surface of a row, with its dialect. */
export async function loadSurface({ name, dialect }: ConversationRow): Promise<Surface> {
  await loadDialects([dialect])
  return { name, dialect, client: clientDialect(dialect), reader: READERS[dialect] }
}

/** Streaming and not are two methods of one model; the path ends in `models/<model>:<method>`. */
const METHODS: ReadonlyMap<string, boolean> = new Map([
  ['generateContent', false],
  ['streamGenerateContent', true],
])
const ALT_SSE = /(?:^|&)(?:%24|\$)?alt=sse(?:&|$)/i
const SEGMENT = '/models/'

const COUNTED = ':countTokens'

function countedAt({ path }: Exchange): string | null {
  if (!path.endsWith(COUNTED)) return null
  return decodedSegment(path.slice(path.indexOf(SEGMENT) + SEGMENT.length, -COUNTED.length))
}

function modelOfPath(x: Exchange): PathFacts | GatewayError {
  const colon = x.path.lastIndexOf(':')
  const stream = colon < 0 ? undefined : METHODS.get(x.path.slice(colon + 1))
  const model = colon < 0 ? '' : decodedSegment(x.path.slice(x.path.indexOf(SEGMENT) + SEGMENT.length, colon))
  if (stream === undefined || model === '') {
    return new GatewayError(
      'not_found',
      `There is no such method. POST to /v1beta/models/{model}:generateContent or :streamGenerateContent.`,
    )
  }
  // Without this, streams of this dialect are one array of JSON that grows.
  const framing = ALT_SSE.test(x.query) ? 'sse' : 'json-array'
  return { model, stream, framing }
}
