import { type AnswerHeaders, type AnswerPlan, type AnswerTap, GatewayError, type Heartbeat } from '../../core/index.ts'
import type { WireEvent } from '../dialects/dialect.ts'
import { isObject, parseExact, writeJson } from '../ir/json.ts'
import { mediaTypeOf } from '../translate/media-types.ts'
import type { WireReader } from '../translate/wire-reader.ts'
import { wireReader } from '../translate/wire-readers.ts'
import type { AnswerSource } from './answer-source.ts'

const FRAMES = 'application/vnd.amazon.eventstream'
const EVENTS = 'text/event-stream; charset=utf-8'
/** The cloud's own figures at the end of a stream; the dialect has no such member. */
const CLOUD_FIGURES = 'amazon-bedrock-invocationMetrics'

/** Errors of the frames in the words of the dialect that the frames carry. */
const ERRORS: Readonly<Record<string, string>> = {
  throttlingException: 'rate_limit_error',
  serviceUnavailableException: 'overloaded_error',
  modelTimeoutException: 'timeout_error',
  validationException: 'invalid_request_error',
}

/**
 * Relays a stream whose events come in frames of a cloud (Bedrock's "InvokeModelWithResponseStream") as the events that they
 * hold. Everything else is the inner tap's.
 */
export class FramedTap implements AnswerTap {
  readonly #inner: AnswerTap
  readonly #source: AnswerSource
  #reader: WireReader | null = null
  #text = ''

  constructor(inner: AnswerTap, source: AnswerSource) {
    this.#inner = inner
    this.#source = source
  }

  get silent(): boolean {
    return this.#inner.silent === true
  }

  get heartbeat(): Heartbeat | null {
    return this.#inner.heartbeat ?? null
  }

  start(status: number, headers: AnswerHeaders): AnswerPlan | GatewayError {
    if (status === 200 && mediaTypeOf(headers) === FRAMES) this.#reader = wireReader('aws-event-stream')
    return this.#inner.start(status, this.#shown(headers))
  }

  complete(body: Buffer): Buffer | GatewayError {
    return this.#inner.complete(body)
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    if (this.#reader === null) return this.#inner.push(chunk)
    const wrong = this.#reader.push(chunk, this.#read)
    return wrong === null ? this.#flush() : this.#invalid(wrong)
  }

  end(): Buffer | GatewayError | null {
    if (this.#reader === null) return this.#inner.end()
    const wrong = this.#reader.end(this.#read)
    if (wrong !== null) return this.#invalid(wrong)
    const last = this.#flush()
    if (last instanceof GatewayError) return last
    const end = this.#inner.end()
    return end instanceof GatewayError || last === null ? end : end === null ? last : Buffer.concat([last, end])
  }

  headers(headers: AnswerHeaders, body: Buffer | null): string[] {
    return this.#inner.headers(this.#shown(headers), body)
  }

  #shown(headers: AnswerHeaders): AnswerHeaders {
    return this.#reader === null ? headers : { ...headers, 'content-type': EVENTS }
  }

  readonly #read = (event: WireEvent): void => {
    this.#text += textOf(event)
  }

  #flush(): Buffer | GatewayError | null {
    const text = this.#text
    this.#text = ''
    return text === '' ? null : this.#inner.push(Buffer.from(text))
  }

  #invalid(what: string): GatewayError {
    return new GatewayError('upstream_invalid_response', `${this.#source.upstream.name} ${what}.`)
  }
}

function textOf({ name, data }: WireEvent): string {
  const payload = parsed(data)
  if (name === 'chunk') {
    const bytes = payload?.['bytes']
    return typeof bytes === 'string' ? eventOf(Buffer.from(bytes, 'base64').toString('utf8')) : ''
  }
  if (name?.endsWith('Exception') !== true) return ''
  const message = payload?.['message']
  const error = { type: ERRORS[name] ?? 'api_error', message: typeof message === 'string' ? message : name }
  return `event: error\ndata: ${JSON.stringify({ type: 'error', error })}\n\n`
}

function eventOf(json: string): string {
  const event = parsed(json)
  const type = event?.['type']
  if (event === null || typeof type !== 'string') return `data: ${json.replaceAll('\n', '')}\n\n`
  const { [CLOUD_FIGURES]: figures, ...own } = event
  // Between its members a JSON text may have line ends, and nowhere else.
  const text = figures === undefined ? json.replaceAll('\n', '') : writeJson(own)
  return `event: ${type}\ndata: ${text}\n\n`
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value = parseExact(text)
    return isObject(value) ? value : null
  } catch {
    return null // what cannot be read says nothing
  }
}
