import { GatewayError } from '../../../core/index.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { type BatchParty, batchTarget } from './batch-model.ts'

/** What the lines of a batch's input file ask for, as they were when it was uploaded. */
export interface BatchFacts {
  readonly lines: number
  /** The most that all of them may use. */
  readonly tokens: number
  /** At the prices of batches; null where one of their models has none. */
  readonly nanos: number | null
  /** Names by which clients know the models. */
  readonly models: readonly string[]
}

/** Null for what is none. */
export function readFacts(value: unknown): BatchFacts | null {
  if (!isObject(value)) return null
  const { lines, tokens, nanos, models }: JsonObject = value
  if (typeof lines !== 'number' || typeof tokens !== 'number' || !Array.isArray(models)) return null
  return {
    lines,
    tokens,
    nanos: typeof nanos === 'number' ? nanos : null,
    models: models.filter((name) => typeof name === 'string'),
  }
}

/** Why a key may make no batch of a file; null: it may. What was allowed at the upload may be forbidden by now. */
export function checkFacts(facts: BatchFacts | null, party: BatchParty): GatewayError | null {
  const { mayUseAll, charged, ruling } = party.principal
  if (facts === null) {
    if (mayUseAll && charged.budgets === null && ruling?.readsBodies !== true) return null
    const message =
      'What the lines of this file ask for is not known here: upload it through this gateway with "purpose": "batch", with this key and to the same provider, and make the batch of that file.'
    return new GatewayError('invalid_request', message, { param: 'input_file_id' })
  }
  for (const model of facts.models) {
    const target = batchTarget(party, model)
    if (target instanceof GatewayError) return target
  }
  return null
}

/** Adds up what lines may use; sums stay within what counts exactly. */
export class BatchSum {
  lines = 0
  #tokens = 0
  #nanos: number | null = 0
  readonly #models = new Set<string>()

  add(model: string | null, tokens: number, nanos: number | null): void {
    this.lines++
    this.#tokens = capped(this.#tokens + tokens)
    this.#nanos = this.#nanos === null || nanos === null ? null : capped(this.#nanos + nanos)
    if (model !== null) this.#models.add(model)
  }

  get modelCount(): number {
    return this.#models.size
  }

  get facts(): BatchFacts {
    return { lines: this.lines, tokens: this.#tokens, nanos: this.#nanos, models: [...this.#models] }
  }
}

function capped(amount: number): number {
  return Math.min(amount, Number.MAX_SAFE_INTEGER)
}
