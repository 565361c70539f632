import type { BodySink } from '../client-stream.ts'
import type { Watched } from '../deadlines.ts'
import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import type { RequestHead } from '../http1/request-head.ts'
import { bodyIdle, bodyMemoryFull, bodyTooLarge } from './body-errors.ts'
import { giveMemory } from './body-memory.ts'
import { GrowingBody } from './growing-body.ts'
import { inLargeTurn, LARGE_BYTES } from './large-turns.ts'

type Done = (x: Exchange, problem: GatewayError | null) => void

const EMPTY = Buffer.alloc(0)

/**
 * Reads the whole body into `x.body`, at most `limit` bytes, then calls `done` once. The time between two pieces is
 * bounded by the listener's body_idle; the whole upload by the server's request timeout.
 */
export function readBody(x: Exchange, limit: number, done: Done): void {
  const head = x.head
  if (head.contentLength > limit) return done(x, bodyTooLarge(limit))
  const mayBeEncoded = x.route?.encodedBody === 'pass'
  if (!mayBeEncoded && head.contentEncoding !== null && head.contentEncoding.toLowerCase() !== 'identity') {
    const message = `A body with Content-Encoding ${head.contentEncoding.slice(0, 64)} is not taken; send it uncompressed.`
    return done(x, new GatewayError('unsupported_media_type', message))
  }
  const unmet = expectBody(x)
  if (unmet !== null) return done(x, unmet)
  if (!head.chunked && head.contentLength <= 0) {
    x.body = EMPTY
    return done(x, null)
  }
  new BodyReader(x, limit, done).start()
}

/** Tells a client that waits for it to send its body; an error when it expects something else. */
export function expectBody({ head, client }: Exchange): GatewayError | null {
  if (head.expect === null) return null
  const problem = expectationProblem(head)
  if (problem === null) client.askForBody()
  return problem
}

/** Why what a request expects of the gateway is not met; null: it is, or it expects nothing. */
export function expectationProblem({ expect }: RequestHead): GatewayError | null {
  if (expect === null || expect.toLowerCase() === '100-continue') return null
  return new GatewayError('expectation_failed', 'The only expectation taken is "100-continue".')
}

class BodyReader implements Watched, BodySink {
  readonly #x: Exchange
  readonly #limit: number
  readonly #done: Done
  readonly #body: GrowingBody
  /** The bytes that come are copied where they belong. */
  readonly takesLent = true
  #finished = false
  dueAt: number

  constructor(x: Exchange, limit: number, done: Done) {
    this.#x = x
    this.#limit = limit
    this.#done = done
    this.#body = new GrowingBody(x.head.chunked ? -1 : x.head.contentLength)
    this.dueAt = x.gateway.deadlines.now + x.gateway.limits.bodyIdleMs
  }

  start(): void {
    this.#x.watched = this
    this.#x.client.readBody(this)
  }

  onBody(chunk: Buffer): void {
    if (this.#finished || this.#x.settled) return
    const x = this.#x
    this.dueAt = x.gateway.deadlines.now + x.gateway.limits.bodyIdleMs
    x.bodyBytes += chunk.length
    x.gateway.bodyBytes += chunk.length
    if (x.bodyBytes > this.#limit) return this.finish(bodyTooLarge(this.#limit))
    if (x.gateway.bodyBytes > x.gateway.limits.bodyMemoryBytes) return this.finish(bodyMemoryFull())
    this.#body.push(chunk)
  }

  onBodyEnd(): void {
    if (this.#finished || this.#x.settled) return
    const x = this.#x
    x.body = this.#body.joined()
    x.bodyMemory = this.#body.memory
    if (x.bodyBytes <= LARGE_BYTES) return this.finish(null)
    // It has all come: nothing is waited for any more but its turn.
    x.watched = null
    inLargeTurn(() => {
      if (!this.#finished && !x.settled) this.finish(null)
    })
  }

  finish(problem: GatewayError | null): void {
    this.#finished = true
    this.#x.watched = null
    if (problem !== null && this.#body.memory !== null) giveMemory(this.#body.memory)
    this.#done(this.#x, problem)
  }

  onDue(): void {
    this.finish(bodyIdle(this.#x.gateway.limits.bodyIdleMs))
  }
}
