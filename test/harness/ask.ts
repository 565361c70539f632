import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { parseJson } from './json.ts'
import { reset } from './reset.ts'

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  /** Connections are kept by this one; without it each request has one of its own. */
  readonly agent?: Agent
  /** Hears the answer as it comes. */
  readonly onData?: (chunk: Buffer) => void
}

/** An answer read to its end, or to where it was cut. */
export interface Asked {
  /** Null when no head came. */
  readonly status: number | null
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  readonly json: unknown
  /** The answer came to its end. */
  readonly complete: boolean
  readonly tookMs: number
}

/** One request in flight. */
export interface Asking {
  readonly answer: Promise<Asked>
  /** Resolves when the head is there (false: it never came). */
  readonly head: Promise<boolean>
  received(): Buffer
  leave(kind?: 'fin' | 'rst'): void
}

/** Connections that are kept between requests. */
export function keptConnections(count = 256): Agent {
  return new Agent({ keepAlive: true, maxSockets: count, maxFreeSockets: count })
}

/** Sends a request and reads the whole answer; never rejects. */
export function ask(url: string, options: AskOptions = {}): Promise<Asked> {
  return startAsking(url, options).answer
}

/** Sends a request and returns at once. */
export function startAsking(url: string, { method = 'GET', headers, body, agent, onData }: AskOptions = {}): Asking {
  const began = performance.now()
  const chunks: Buffer[] = []
  const head = Promise.withResolvers<boolean>()
  const answer = Promise.withResolvers<Asked>()
  let status: number | null = null
  let found: IncomingHttpHeaders = {}
  const received = () => Buffer.concat(chunks)
  const finish = (complete: boolean) => {
    head.resolve(false)
    const whole = received()
    const text = whole.toString()
    const tookMs = performance.now() - began
    answer.resolve({ status, headers: found, body: whole, text, json: parseJson(text), complete, tookMs })
  }
  const sent = request(url, { method, headers: sendable(headers), agent: agent ?? new Agent() })
  sent.on('response', (response) => {
    status = response.statusCode ?? null
    found = response.headers
    head.resolve(true)
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      onData?.(chunk)
    })
    response.on('error', () => finish(false))
    response.on('close', () => finish(response.complete))
  })
  sent.on('error', () => finish(false))
  sent.end(body)
  const leave = (kind: 'fin' | 'rst' = 'rst') => {
    if (kind === 'rst' && sent.socket !== null) reset(sent.socket)
    sent.destroy()
  }
  return { answer: answer.promise, head: head.promise, received, leave }
}

/** Node takes lists of values that it might change. */
function sendable(headers: AskOptions['headers'] = {}): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
}
