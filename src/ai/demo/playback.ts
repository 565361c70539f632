import type { DispatchController, ResponseHandler } from '../../core/index.ts'
import type { Script, Step } from './script.ts'

/** Chunks that are handed over in one turn of the event loop; a network would not bring more at once either. */
const CHUNKS_PER_TURN = 16

/** What a playback needs to begin. */
export interface PlaybackOptions {
  /** Called in the turn after the request began, once. */
  readonly makeScript: () => Script
  readonly handler: ResponseHandler
  /** Called when nothing more will happen, however it ended. */
  readonly onDone: (playback: Playback) => void
}

/**
 * Performs a script for one handler as a connection would: the calls come in later turns than the dispatch, stop while
 * paused, and end with exactly one of `onResponseEnd` and `onResponseError`; an abort reports its reason at once. A
 * handler that throws fails the exchange.
 */
export class Playback implements DispatchController {
  /** Head of the answer as name, value, name, value, in bytes as a socket brings them; null before it came. */
  rawHeaders: Buffer[] | null = null
  aborted = false
  paused = false
  reason: Error | null = null

  readonly #options: PlaybackOptions
  #script: Script | null = null
  /** A step that was taken from the script and is still to be performed. */
  #step: Step | null = null
  #timer: NodeJS.Timeout | undefined
  #turn: NodeJS.Immediate | undefined
  #pumping = false
  #done = false

  constructor(options: PlaybackOptions) {
    this.#options = options
    this.#turn = setImmediate(this.#begin)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    const waits = this.#timer === undefined && this.#turn === undefined && !this.#pumping
    if (waits && this.rawHeaders !== null && !this.#done) this.#turn = setImmediate(this.#pump)
  }

  abort(reason: Error): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.fail(reason)
  }

  /** Ends the exchange with an error, unless it has ended. */
  fail(error: Error): void {
    if (this.#done) return
    this.#finish()
    this.#options.handler.onResponseError(this, error)
  }

  readonly #begin = (): void => {
    this.#turn = undefined
    this.#guard(() => this.#options.handler.onRequestStart(this, null))
    if (!this.#done) this.#turn = setImmediate(this.#read)
  }

  readonly #read = (): void => {
    this.#turn = undefined
    this.#guard(() => {
      const script = this.#options.makeScript()
      this.#script = script
      if (script.kind === 'reset') this.fail(connectionError('read ECONNRESET', 'ECONNRESET'))
      else if (script.kind === 'answer' && script.delayMs > 0) this.#timer = setTimeout(this.#head, script.delayMs)
      else if (script.kind === 'answer') this.#head()
    })
  }

  readonly #head = (): void => {
    this.#timer = undefined
    const script = this.#script
    if (script === null) return
    this.rawHeaders = Object.entries(script.headers).flatMap((pair) => pair.map((text) => Buffer.from(text, 'latin1')))
    this.#guard(() => this.#options.handler.onResponseStart(this, script.status, { ...script.headers }, ''))
    this.#pump()
  }

  readonly #pump = (): void => {
    this.#turn = undefined
    this.#pumping = true
    let chunks = 0
    while (!this.#done && !this.paused) {
      if (chunks === CHUNKS_PER_TURN) {
        this.#turn = setImmediate(this.#pump)
        break
      }
      const step = this.#step ?? this.#next()
      if (step === null) {
        this.#finish()
        this.#guard(() => this.#options.handler.onResponseEnd(this, null))
      } else if (step.kind === 'hang') {
        this.#step = step
        break
      } else if (step.kind === 'cut') {
        this.fail(connectionError('other side closed', 'ECONNRESET'))
      } else if (step.delayMs > 0) {
        this.#step = { ...step, delayMs: 0 }
        this.#timer = setTimeout(this.#onTimer, step.delayMs)
        break
      } else {
        this.#step = null
        chunks++
        this.#guard(() => this.#options.handler.onResponseData(this, Buffer.from(step.data)))
      }
    }
    this.#pumping = false
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#pump()
  }

  #next(): Step | null {
    const result = this.#script?.steps.next()
    return result === undefined || result.done === true ? null : result.value
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #finish(): void {
    this.#done = true
    clearTimeout(this.#timer)
    clearImmediate(this.#turn)
    this.#timer = undefined
    this.#turn = undefined
    this.#step = null
    this.#options.onDone(this)
  }
}

/** An error with the code that the real connections give. */
function connectionError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code })
}
