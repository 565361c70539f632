import { GatewayError } from '../../core/index.ts'
import {
  levelInWords,
  type RuleTable,
  type ValueDocument,
  type ValueName,
  type ValueSource,
  valueLevel,
} from '../../governance/index.ts'
import type { ValueAnswer, ValueRefusal } from '../messages.ts'

/** Control that says nothing for so long is not there: a client waits. */
const ANSWER_MS = 5_000

type Done = (refusal: GatewayError | null) => void

interface Waiting {
  readonly done: Done[]
  readonly timer: NodeJS.Timeout
}

export interface ValueAskerOptions {
  readonly counters: BigInt64Array
  readonly rules: () => RuleTable
  /** Takes changes that have come and are not applied yet. */
  readonly catchUp: () => void
  readonly ask: (name: ValueName) => void
}

/** A worker's way to the counters of values: control gives them out. Requests for the same value wait for one answer. */
export class ValueAsker implements ValueSource {
  readonly #options: ValueAskerOptions
  readonly #waiting = new Map<string, Waiting>()

  constructor(options: ValueAskerOptions) {
    this.#options = options
  }

  ask(name: ValueName, done: Done): void {
    const level = valueLevel(name)
    const waiting = this.#waiting.get(level)
    if (waiting !== undefined) {
      waiting.done.push(done)
      return
    }
    const timer = setTimeout(() => this.#end(level, refusalOf(name, 'unavailable')), ANSWER_MS)
    this.#waiting.set(level, { done: [done], timer })
    this.#options.ask(name)
  }

  use({ used }: ValueDocument): void {
    const { counters } = this.#options
    // Not at every use: the cell is shared by all threads.
    if (counters[used] === 0n) counters[used] = 1n
  }

  /** Control has answered. */
  answered({ value, document, refusal }: ValueAnswer): void {
    const { rules, catchUp } = this.#options
    if (document !== null) rules().put(value, document)
    // The rule has changed meanwhile; when that is known here, the request asks for what it needs then.
    if (refusal === 'gone') catchUp()
    const stays = refusal === 'gone' && !rules().fits(value) ? null : refusal
    this.#end(valueLevel(value), stays === null ? null : refusalOf(value, stays))
  }

  #end(level: string, refusal: GatewayError | null): void {
    const waiting = this.#waiting.get(level)
    if (waiting === undefined) return
    this.#waiting.delete(level)
    clearTimeout(waiting.timer)
    // Later: an answer may be read while another request is looked at.
    setImmediate(() => {
      for (const done of waiting.done) done(refusal)
    })
  }
}

function refusalOf({ level, by }: ValueName, refusal: ValueRefusal): GatewayError {
  const what = by.replace('_', ' ')
  if (refusal === 'full') {
    const message = `Too many different values of "${what}" are in use within ${levelInWords(level)}. Retry in 1 s.`
    return new GatewayError('rate_limit_exceeded', message, { retryAfterSeconds: 1 })
  }
  const message = `The gateway cannot tell what this ${what} has used of its limits. Try again soon.`
  return new GatewayError('journal_unavailable', message, { retryAfterSeconds: 1 })
}
