import type { JsonObject } from '../../../src/ai/ir/json.ts'
import type { WireAnswer } from '../answer-outcome.ts'

export type Answers = Readonly<Record<string, WireAnswer>>

/** Events that are called as their data say. */
export function named(events: readonly JsonObject[]): WireAnswer['events'] {
  return events.map((event) => ({ name: String(event['type']), data: JSON.stringify(event) }))
}

/** Events without names. */
export function bare(events: readonly (JsonObject | string)[]): WireAnswer['events'] {
  return events.map((event) => ({ name: null, data: typeof event === 'string' ? event : JSON.stringify(event) }))
}
