import { Worker } from 'node:worker_threads'
import type { TokenCounter } from './count-tokens.ts'

export interface CountMessage {
  readonly id: number
  readonly encoding: string
  readonly texts: readonly string[]
}

export interface CountReply {
  readonly id: number
  readonly tokens: number | null
}

const ENTRY = new URL(`./tokenizer-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
/** Beyond so many that wait, and beyond so much text, an estimate is given. */
const MOST_WAITING = 64
const MOST_CHARACTERS = 4_000_000
const IDLE_MS = 60_000
/** A text that takes longer is one that the encoding is bad at: its thread is ended, and whoever waits gets an estimate. */
const MOST_MS = 5_000

/** Counts in a thread of its own, which is started when something is counted and ended when nothing was for a while. */
export class Tokenizer implements TokenCounter {
  readonly #idleMs: number
  readonly #waiting = new Map<number, (tokens: number | null) => void>()
  #worker: Worker | null = null
  #idle: NodeJS.Timeout | null = null
  #last = 0

  constructor(idleMs = IDLE_MS) {
    this.#idleMs = idleMs
  }

  /** Whether its thread runs. */
  get running(): boolean {
    return this.#worker !== null
  }

  async count(encoding: string, texts: readonly string[]): Promise<number | null> {
    const characters = texts.reduce((sum, text) => sum + text.length, 0)
    if (this.#waiting.size >= MOST_WAITING || characters > MOST_CHARACTERS) return null
    const worker = this.#started()
    const id = ++this.#last
    return await new Promise<number | null>((resolve) => {
      this.#waiting.set(id, resolve)
      worker.postMessage({ id, encoding, texts } satisfies CountMessage)
      setTimeout(() => this.#waiting.has(id) && this.#worker === worker && void this.close(), MOST_MS).unref()
    })
  }

  /** Ends the thread; who still waits gets an estimate. */
  async close(): Promise<void> {
    const worker = this.#worker
    this.#forget()
    await worker?.terminate()
  }

  #started(): Worker {
    if (this.#idle !== null) clearTimeout(this.#idle)
    this.#idle = null
    if (this.#worker !== null) return this.#worker
    const worker = new Worker(ENTRY)
    // Counting keeps no process alive.
    worker.unref()
    worker.on('message', ({ id, tokens }: CountReply) => this.#answer(id, tokens))
    const gone = (): void => {
      if (this.#worker === worker) this.#forget()
    }
    worker.on('error', gone)
    worker.on('exit', gone)
    this.#worker = worker
    return worker
  }

  #answer(id: number, tokens: number | null): void {
    this.#waiting.get(id)?.(tokens)
    this.#waiting.delete(id)
    if (this.#waiting.size > 0) return
    this.#idle = setTimeout(() => void this.close(), this.#idleMs)
    this.#idle.unref()
  }

  #forget(): void {
    if (this.#idle !== null) clearTimeout(this.#idle)
    this.#idle = null
    this.#worker = null
    for (const answer of this.#waiting.values()) answer(null)
    this.#waiting.clear()
  }
}
