import type { DispatchController, ResponseHandler } from '../../src/core/index.ts'
import { eventually } from '../harness/eventually.ts'

/** Called after the recorder has noted the event; may dispatch, pause, abort or throw. */
export interface RecorderHooks {
  readonly onStart?: (controller: DispatchController) => void
  readonly onHead?: (controller: DispatchController) => void
  readonly onData?: (controller: DispatchController, chunk: Buffer) => void
  readonly onEnd?: (controller: DispatchController) => void
  readonly onError?: (error: Error) => void
}

/** Notes what a transport tells; gives its lease back at the end, as an attempt does. */
export class Recorder implements ResponseHandler {
  lease: { release(): void } | null = null
  /** Set when nobody waits for the answer any more. */
  done = false
  status = 0
  headers: Readonly<Record<string, string | string[] | undefined>> = {}
  /** As they were given, so that a later read that overwrites them would show. */
  readonly chunks: Buffer[] = []
  error: NodeJS.ErrnoException | null = null
  controller: DispatchController | null = null
  /** `start`, `head`, `data` (each run of it once), `end` or `error`. */
  readonly events: string[] = []
  readonly #hooks: RecorderHooks

  constructor(hooks: RecorderHooks = {}) {
    this.#hooks = hooks
  }

  get over(): boolean {
    return this.events.includes('end') || this.events.includes('error')
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get received(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  /** Resolves when the exchange is over; within ten seconds. */
  async ended(): Promise<this> {
    await eventually(() => this.over, { what: 'the end of the exchange', deadlineMs: 10_000 })
    return this
  }

  onRequestStart(controller: DispatchController): void {
    this.controller = controller
    this.#note('start')
    this.#hooks.onStart?.(controller)
  }

  onResponseStart(controller: DispatchController, status: number, headers: Recorder['headers']): void {
    this.status = status
    this.headers = headers
    this.#note('head')
    this.#hooks.onHead?.(controller)
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk)
    if (this.events.at(-1) !== 'data') this.#note('data')
    this.#hooks.onData?.(controller, chunk)
  }

  onResponseEnd(controller: DispatchController): void {
    this.#note('end')
    this.lease?.release()
    this.#hooks.onEnd?.(controller)
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    this.error = error
    this.#note('error')
    this.lease?.release()
    this.#hooks.onError?.(error)
  }

  #note(event: string): void {
    if (this.over) throw new Error(`"${event}" after the end: ${this.events.join(' ')}`)
    this.events.push(event)
  }
}
