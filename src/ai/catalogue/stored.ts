/*
 * How the catalogue's file has a model: one line, `<provider>/<id>`, a tab, and JSON with short names; an alias is
 * `<provider>/<alias>`, a tab, `=` and the id of the same provider. Lines that begin with `#` say where the data is from, a line that begins with `@` where else a
 * provider's models are looked for.
 */

/** US dollars per million of each, but for `q`: per request. */
export interface StoredRates {
  /** Input, output, cache read and write, cache write for an hour, thoughts. */
  readonly i?: number
  readonly o?: number
  readonly r?: number
  readonly w?: number
  readonly h?: number
  readonly t?: number
  /** Audio and pictures, in and out. */
  readonly ai?: number
  readonly ao?: number
  readonly ii?: number
  readonly io?: number
  /** A request; a million searches, or answers that searched; a million seconds, pictures, characters, searches of a reranker. */
  readonly q?: number
  readonly s?: number
  readonly sa?: number
  readonly us?: number
  readonly ui?: number
  readonly uc?: number
  readonly uq?: number
}

export interface StoredRule extends StoredRates {
  /** Behind `#` in the rule's name. */
  readonly id: string
  readonly above?: number
  readonly tier?: string
  readonly speed?: string
  readonly region?: string
  /** Dates, UTC. */
  readonly from?: string
  readonly to?: string
  readonly hours?: readonly [number, number]
}

export interface StoredModel {
  readonly n?: string
  /** Absent: `chat`. */
  readonly m?: string
  /** Tokens of context and of output. */
  readonly c?: number
  readonly x?: number
  /** What it takes besides text: `i` pictures, `a` sound. */
  readonly in?: string
  readonly tools?: 0 | 1
  /** How reasoning is asked for, and structured output. */
  readonly re?: string
  readonly so?: string
  /** Parameters that it refuses, with commas. */
  readonly no?: string
  readonly dep?: 1
  /** Its public encoding, if it has one. */
  readonly e?: string
  readonly p?: StoredRates
  readonly k?: readonly StoredRule[]
}
