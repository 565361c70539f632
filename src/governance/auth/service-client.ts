import type { Transport } from '../../core/index.ts'
import { ask, type Reply } from './ask.ts'

/** How the service is asked. */
export interface ServiceRules {
  readonly timeoutMs: number
  readonly retries: number
  readonly backoffMs: number
  /** Sent as a bearer; null: none is. */
  readonly token: string | null
}

const MAX_ANSWER_BYTES = 65_536
/** Answers that another question may not have. */
const BUSY = 500

/** Asks the service that knows keys and what they may do. */
export class ServiceClient {
  readonly #transport: Transport
  readonly #root: string
  readonly #rules: ServiceRules

  /** `root` is the path that its endpoints begin with. */
  constructor(transport: Transport, root: string, rules: ServiceRules) {
    this.#transport = transport
    this.#root = root.replace(/\/$/, '')
    this.#rules = rules
  }

  /** The answer to a question, whatever its status below 500. Rejects when there is none in time; all of its attempts count. */
  async post(path: string, body: object): Promise<{ readonly status: number; readonly value: unknown }> {
    const endsAt = performance.now() + this.#rules.timeoutMs
    const bytes = Buffer.from(JSON.stringify(body))
    const headers = ['content-type', 'application/json', 'accept', 'application/json', 'user-agent', 'ferro-gateway']
    if (this.#rules.token !== null) headers.push('authorization', `Bearer ${this.#rules.token}`)
    for (let attempt = 0; ; attempt++) {
      const leftMs = Math.ceil(endsAt - performance.now())
      const reply = await this.#once({ method: 'POST', path: `${this.#root}${path}`, headers, body: bytes }, leftMs)
      if (!(reply instanceof Error) && reply.status < BUSY) return { status: reply.status, value: readBody(reply) }
      const { retries, backoffMs } = this.#rules
      if (attempt >= retries || performance.now() + backoffMs >= endsAt) {
        throw new Error('the service gave no answer', { cause: reply instanceof Error ? reply : reply.status })
      }
      await new Promise((resolve) => setTimeout(resolve, backoffMs))
    }
  }

  #once(request: Parameters<typeof ask>[1], timeoutMs: number): Promise<Reply | Error> {
    if (timeoutMs <= 0) return Promise.resolve(new Error('there is no time left'))
    return new Promise((onReply) =>
      ask(this.#transport, request, { timeoutMs, maxBodyBytes: MAX_ANSWER_BYTES, onReply }),
    )
  }
}

function readBody({ body }: Reply): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return null // whoever asked expects an object
  }
}
