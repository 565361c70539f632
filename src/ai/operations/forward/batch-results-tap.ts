import type { AnswerHeaders, AnswerPlan, AnswerTap, Exchange, GatewayError } from '../../../core/index.ts'
import { believed } from '../../models/believable.ts'
import { type Charge, chargeAt } from '../../models/charge.ts'
import type { Usage } from '../../models/price.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { AnswerSource } from '../../relay/answer-source.ts'
import { addUsage, NOTHING, tokensOf } from '../usage.ts'
import type { ForwardState } from './forward-state.ts'
import { ForwardTap } from './forward-tap.ts'
import type { ReadResultLine } from './result-lines.ts'

/** One answer of a model; what is longer is not read, and the results count as unread. */
const LONGEST_LINE = 16 * 1024 * 1024
const LINE_FEED = 0x0a

export interface BatchResultsOptions {
  readonly registry: ModelRegistry
  readonly readLine: ReadResultLine
  /** All lines were read, and none of them costs anything. */
  readonly onFree: () => void
}

/**
 * Passes the results of a batch on as they come, and adds up what their lines used, each at its model's prices for batches. What
 * was not read to its end tells nothing: the most that the batch may cost stays charged, and the next reader counts.
 */
export class BatchResultsTap implements AnswerTap {
  readonly #x: Exchange
  readonly #state: ForwardState
  readonly #options: BatchResultsOptions
  readonly #rest: ForwardTap
  #isResults = false
  #isReadable = false
  #pieces: Buffer[] = []
  #held = 0
  #usage: Usage = NOTHING
  readonly #charges = new ChargeSum()
  readonly #models = new Set<string>()

  constructor(source: AnswerSource, x: Exchange, state: ForwardState, options: BatchResultsOptions) {
    this.#x = x
    this.#state = state
    this.#options = options
    this.#rest = new ForwardTap(x, source, state)
  }

  start(status: number, headers: AnswerHeaders): AnswerPlan | GatewayError {
    const plan = this.#rest.start(status, headers)
    this.#isResults = status === 200
    if (!this.#isResults) return plan
    const encoding = headers['content-encoding'] ?? 'identity'
    this.#isReadable = this.#state.countsUsage && encoding === 'identity'
    return 'relay'
  }

  complete(body: Buffer): Buffer | GatewayError {
    return this.#rest.complete(body)
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    if (!this.#isResults) return this.#rest.push(chunk)
    let from = 0
    while (this.#isReadable) {
      const end = chunk.indexOf(LINE_FEED, from)
      this.#hold(chunk.subarray(from, end < 0 ? chunk.length : end))
      if (end < 0) break
      this.#endLine()
      from = end + 1
    }
    return chunk
  }

  end(): Buffer | GatewayError | null {
    if (!this.#isResults) return this.#rest.end()
    if (this.#isReadable) this.#endLine()
    if (!this.#isReadable) return null
    if (tokensOf(this.#usage) === 0) {
      this.#options.onFree()
      return null
    }
    const state = this.#state
    state.usage = { ...this.#usage, serviceTier: 'batch' }
    state.charge = this.#charges.sum
    const [only] = this.#models
    if (only !== undefined && this.#models.size === 1) {
      state.modelRequested = only
      state.target = this.#targetOf(only)
    }
    return null
  }

  headers(headers: AnswerHeaders, body: Buffer | null): string[] {
    return this.#rest.headers(headers, body)
  }

  #hold(piece: Buffer): void {
    if (piece.length === 0) return
    this.#held += piece.length
    if (this.#held > LONGEST_LINE) return this.#giveUp()
    // What the transport hands over it may use again.
    this.#pieces.push(Buffer.from(piece))
  }

  #endLine(): void {
    if (this.#held === 0) return
    const line = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#held = 0
    if (!this.#read(line.toString('utf8'))) this.#giveUp()
  }

  #giveUp(): void {
    this.#isReadable = false
    this.#pieces = []
    this.#held = 0
  }

  /** False for what cannot be counted. */
  #read(line: string): boolean {
    if (line.trim() === '') return true
    const said = this.#options.readLine(line)
    if (said === null) return false
    if (said === 'free') return true
    const { model } = said
    const usage = believed({ ...said.usage, serviceTier: 'batch' })
    if (usage === null) return false
    const target = this.#targetOf(model)
    this.#usage = addUsage(this.#usage, usage)
    this.#charges.add(target === null ? null : chargeAt(target, usage, true, this.#x.time))
    this.#models.add(model)
    return true
  }

  #targetOf(model: string) {
    return this.#options.registry.resolve(`${this.#state.provider.upstream.name}/${model}`)?.first ?? null
  }
}

/** What several answers cost together. */
class ChargeSum {
  #nanos: number | null = 0
  #leastNanos = 0
  readonly #rules = new Set<string>()

  add(charge: Charge | null): void {
    const nanos = charge?.nanos ?? null
    this.#nanos = this.#nanos === null || nanos === null ? null : this.#nanos + nanos
    this.#leastNanos += charge?.leastNanos ?? 0
    if (charge !== null) this.#rules.add(charge.rule)
  }

  /** Null where nothing of it has a price. */
  get sum(): Charge | null {
    const [rule] = this.#rules
    if (rule === undefined) return null
    const several = this.#rules.size === 1 ? rule : `${rule}+${this.#rules.size - 1}`
    return { nanos: this.#nanos, leastNanos: this.#leastNanos, rule: several }
  }
}
