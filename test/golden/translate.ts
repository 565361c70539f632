import type {
  AnswerContext,
  Capabilities,
  ClientDialect,
  UpstreamDialect,
  WireEvent,
} from '../../src/ai/dialects/dialect.ts'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/ai/dialects/testing/all-dialects.ts'
import type { StreamEvent } from '../../src/ai/ir/answer.ts'
import type { JsonObject } from '../../src/ai/ir/json.ts'
import { isObject, parseExact, writeJson } from '../../src/ai/ir/json.ts'
import { Losses } from '../../src/ai/ir/losses.ts'
import { UNKNOWN } from '../../src/ai/models/capabilities.ts'
import { EventRaiser, raiseAnswer } from '../../src/ai/translate/raise.ts'
import { type BesideBody, type Translation, translateRequest } from '../../src/ai/translate/translation.ts'
import { GatewayError } from '../../src/core/index.ts'
import type { UpstreamAnswer } from './upstreams.ts'

/** The upstream's name of the model in every case. */
export const MODEL = 'upstream-model'

const FAMILIES: Readonly<Partial<Record<DialectName, Capabilities['family']>>> = {
  'openai-chat': 'openai',
  'openai-responses': 'openai',
  'openai-completions': 'openai',
  'anthropic-messages': 'anthropic',
  'bedrock-converse': 'anthropic',
  gemini: 'gemini',
}

/** A client's request as a case holds it; `path` is what stands in the path where a dialect puts it there. */
export interface RequestCase {
  readonly request: JsonObject
  readonly path?: { readonly model: string; readonly stream: boolean }
  readonly headers?: Readonly<Record<string, string>>
}

export type RequestResult =
  | { readonly translation: string; readonly body: unknown }
  | { readonly refused: { readonly param: string | null; readonly message: string } }

/** What an upstream is sent for a client's request. */
export function requestTo(client: DialectName, upstream: DialectName, from: RequestCase): RequestResult {
  const translation = translated(client, upstream, from)
  if (translation instanceof GatewayError) {
    return { refused: { param: translation.param, message: translation.message } }
  }
  const body = parseExact(translation.body.toString('utf8'))
  return { translation: translation.losses.header(), body }
}

export interface AnswerResult {
  /** What was lost of the whole answer, and of the stream; what the request that it answers lost is told with requests. */
  readonly translation: string
  readonly streamed: string
  readonly whole: unknown
  /** Events of the stream, as they are sent, without the blank lines between them. */
  readonly stream: readonly string[]
}

/** What a client gets for an upstream's answer, whole and streamed. */
export function answerTo(
  client: DialectName,
  upstream: DialectName,
  from: RequestCase,
  answer: UpstreamAnswer,
): AnswerResult {
  const translation = translated(client, upstream, from)
  if (translation instanceof GatewayError) throw translation
  const [told, streamed] = [new Losses(), new Losses()]
  const whole = wholeTo(client, upstream, { ...translation, losses: told }, answer.whole)
  const stream = streamTo(client, upstream, { ...translation, losses: streamed }, answer.events)
  return { translation: told.header(), streamed: streamed.header(), whole, stream }
}

/** The whole answer as the client gets it. */
function wholeTo(client: DialectName, upstream: DialectName, translation: Translation, body: JsonObject): unknown {
  const dialect = upstreamOf(upstream)
  const decoded = dialect.decodeAnswer(body, { losses: translation.losses, ids: new Counting() })
  if (!('choices' in decoded)) throw new Error(decoded.message)
  const raised = raiseAnswer(decoded, translation.undo)
  return parseExact(writeJson(clientOf(client).encodeAnswer(raised, contextOf(translation))))
}

/** The stream as the client gets it, event by event. */
export function streamTo(
  client: DialectName,
  upstream: DialectName,
  translation: Translation,
  events: readonly WireEvent[],
): readonly string[] {
  const decoder = upstreamOf(upstream).streamDecoder({ losses: translation.losses, ids: new Counting() })
  const raiser = new EventRaiser(translation.undo)
  const encoder = clientOf(client).streamEncoder(contextOf(translation))
  let text = ''
  const take = (event: StreamEvent) => {
    if (event.type === 'fault') throw new Error(`${event.fault.kind ?? 'fault'}: ${event.fault.message}`)
    text += encoder.push(event)
  }
  for (const event of events) decoder.push(event, (each) => raiser.push(each, take))
  decoder.close((each) => raiser.push(each, take))
  return text.split(/\r?\n\r?\n/).filter((event) => event !== '')
}

/** A translated request, or why it is refused. */
export function translated(client: DialectName, upstream: DialectName, from: RequestCase): Translation | GatewayError {
  const family = FAMILIES[upstream] ?? 'other'
  return translateRequest(clientOf(client), Buffer.from(JSON.stringify(from.request)), besideOf(from), {
    dialect: upstreamOf(upstream),
    model: MODEL,
    habits: undefined,
    capabilities: { ...UNKNOWN, family },
    onUnsupported: 'warn',
    onLoss: 'allow',
    patch: null,
  })
}

function besideOf({ path, headers }: RequestCase): BesideBody {
  return { path: path ?? null, header: (name) => headers?.[name] ?? null }
}

function contextOf({ request, losses }: Translation): AnswerContext {
  return { id: '01a1ff2b3fac75fca7ff68e9e47d4c25', model: MODEL, createdAt: 1_795_000_000, request, losses }
}

function clientOf(name: DialectName): ClientDialect {
  const dialect = CLIENT_DIALECTS[name]
  if (dialect === undefined) throw new Error(`no client speaks ${name}`)
  return dialect
}

function upstreamOf(name: DialectName): UpstreamDialect {
  const dialect = UPSTREAM_DIALECTS[name]
  if (dialect === undefined) throw new Error(`no upstream speaks ${name}`)
  return dialect
}

class Counting {
  #last = 0

  next(prefix: string): string {
    this.#last++
    return `${prefix}_made${this.#last}`
  }
}

/** A value that was read from a file and must be an object. */
export function objectOf(value: unknown): JsonObject {
  if (!isObject(value)) throw new Error('expected an object')
  return value
}
