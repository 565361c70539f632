import type { TestContext } from 'node:test'
import type { ChatClient, ChatResult, ConversationRequest } from '../harness/client.ts'

/** Requests of every length: at once, some milliseconds, streams that are under way when something happens. */
export const MIXED: readonly ConversationRequest[] = [
  { model: 'ok' },
  { model: 'ok', stream: true },
  { model: 'slow-5', stream: true },
  { model: 'slow-40' },
  { model: 'ok-40', stream: true },
  { model: 'slow-20', stream: true },
]

/** The models that {@link MIXED} names. */
export const MIXED_MODELS = ['ok', 'slow-5', 'slow-40', 'ok-40', 'slow-20'] as const

/** How a load runs. */
export interface LoadOptions {
  readonly requests?: readonly ConversationRequest[]
  /** Clients that each send one request after the other. */
  readonly concurrency?: number
  /** Every n-th request closes its connection, so that the next one is new; 0 keeps them all. */
  readonly newConnectionEvery?: number
}

/** Clients that send one request after the other until they are stopped. */
export class Load {
  readonly results: ChatResult[] = []
  readonly #client: ChatClient
  readonly #requests: readonly ConversationRequest[]
  readonly #newConnectionEvery: number
  readonly #loops: Promise<void>[]
  #next = 0
  #running = true

  /** Begins at once; when a test gives its context, the end of the test stops what it did not stop itself. */
  constructor(client: ChatClient, options: LoadOptions = {}, t?: TestContext) {
    t?.after(() => this.stop())
    const { requests = MIXED, concurrency = 8, newConnectionEvery = 4 } = options
    this.#client = client
    this.#requests = requests
    this.#newConnectionEvery = newConnectionEvery
    this.#loops = Array.from({ length: concurrency }, () => this.#loop())
  }

  /** Answers with status 200 so far. */
  get served(): number {
    return this.results.filter((result) => result.status === 200 && result.entry.outcome === 'done').length
  }

  /** What did not end as it should have: no answer, an answer cut, another status, a stream without its end. */
  get failed(): ChatResult[] {
    return this.results.filter(({ entry, status, events }) => {
      return status !== 200 || entry.outcome !== 'done' || (entry.stream && events.at(-1) !== '[DONE]')
    })
  }

  /** Sends nothing new and resolves when all that was sent has ended. */
  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#loops)
  }

  async #loop(): Promise<void> {
    while (this.#running) {
      const number = this.#next++
      const request = this.#requests[number % this.#requests.length]
      const closes = this.#newConnectionEvery > 0 && number % this.#newConnectionEvery === 0
      const result = await this.#client.chat({ ...request, ...(closes ? { headers: { connection: 'close' } } : {}) })
      this.results.push(result)
      // A gateway that is away refuses at once: no need to ask it thousands of times.
      if (result.status === null) await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}
