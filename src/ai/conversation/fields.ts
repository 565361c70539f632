import { createScanner, type JsonScanner, type ScannedObject } from '../../lib/index.ts'

/** Deepest nesting of a request body. */
const MAX_DEPTH = 64

/**
 * Most members, objects and lists in a request body, however deep. All that is done with a body is linear in their number, and this many
 * are worked through before another client would notice; few models' contexts hold a conversation of more.
 */
export const MAX_MEMBERS = 150_000

/** Top-level members of a request that the gateway reads or patches; their index is their number in scans. */
export const FIELD = {
  model: 0,
  content: 1,
  stream: 2,
  streamOptions: 3,
  maxTokens: 4,
  otherMaxTokens: 5,
  choices: 6,
  candidates: 7,
} as const

export type Field = keyof typeof FIELD

/** What a dialect calls these members; those that it has not are left out. */
export type FieldNames = Readonly<Partial<Record<Field, string>>>

/** Finds the governed members of requests in one dialect. */
export class RequestScanner {
  readonly names: FieldNames
  readonly #scanner: JsonScanner

  constructor(names: FieldNames) {
    this.names = names
    const keys = Object.keys(FIELD) as Field[] // the keys of a constant
    // A name for each number; what the dialect has not is never asked for (`has`).
    this.#scanner = createScanner(
      keys.map((field) => names[field] ?? `#${field}`),
      { maxDepth: MAX_DEPTH, maxMembers: MAX_MEMBERS },
    )
  }

  scan(body: Buffer): ReturnType<JsonScanner['scan']> {
    return this.#scanner.scan(body)
  }

  has(scanned: ScannedObject, field: Field): boolean {
    return this.names[field] !== undefined && scanned.has(FIELD[field])
  }
}

/** The one member of `stream_options` that the gateway reads or sets. */
export const OPTION = { includeUsage: 0 } as const

export const streamOptionsScanner = createScanner(['include_usage'], { maxDepth: MAX_DEPTH })
