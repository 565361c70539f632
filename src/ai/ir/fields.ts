import { isObject, type JsonObject } from './json.ts'
import { type Losses, leftOver } from './losses.ts'

/** A member of a body that cannot be taken as it is; `param` is its path in the client's words. */
export class FieldProblem extends Error {
  readonly param: string

  constructor(param: string, message: string) {
    super(message)
    this.name = 'FieldProblem'
    this.param = param
  }
}

/** Objects of the body that is read now, where what nobody reads of it is reported; null: nobody asks. */
let seen: Fields[] | null = null

/** Reads a body, and reports every member of its objects that was neither read nor kept. `read` is synchronous. */
export function readingAll<Read>(losses: Losses, read: () => Read): Read {
  const before = seen
  const all: Fields[] = []
  seen = all
  try {
    const result = read()
    for (const fields of all) fields.reportUnseen(losses)
    return result
  } finally {
    seen = before
  }
}

/**
 * Reads the members of one JSON object by name and knows which ones nobody asked for: what a decoder does not know is
 * kept (`rest`) or reported (`report`), never lost unseen. A member that is `null` counts as absent. Readers throw a
 * FieldProblem for a member of the wrong type.
 */
export class Fields {
  readonly path: string
  readonly #object: JsonObject
  readonly #read = new Set<string>()
  /** Somebody has taken what is left, or all of it. */
  #isAccounted = false

  constructor(object: JsonObject, path: string) {
    this.#object = object
    this.path = path
    seen?.push(this)
  }

  /** The path of a member, e.g. `messages[0].content`. */
  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  has(name: string): boolean {
    const value = this.#object[name]
    return value !== undefined && value !== null
  }

  /** The member as it is; undefined when absent or null. */
  value(name: string): unknown {
    this.#read.add(name)
    return this.#object[name] ?? undefined
  }

  string(name: string): string | undefined {
    const value = this.value(name)
    if (value === undefined || typeof value === 'string') return value
    throw this.problem(name, 'a string')
  }

  /** A string that must be there. */
  text(name: string): string {
    return this.string(name) ?? this.#missing(name, 'a string')
  }

  number(name: string): number | undefined {
    const value = this.value(name)
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
    throw this.problem(name, 'a number')
  }

  integer(name: string): number | undefined {
    const value = this.value(name)
    if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value
    throw this.problem(name, 'a whole number')
  }

  /** A whole number of one or more. */
  positive(name: string): number | undefined {
    const value = this.integer(name)
    if (value !== undefined && value < 1) throw this.problem(name, 'a positive whole number')
    return value
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw this.problem(name, 'true or false')
  }

  array(name: string): readonly unknown[] | undefined {
    const value = this.value(name)
    if (value === undefined || Array.isArray(value)) return value
    throw this.problem(name, 'an array')
  }

  strings(name: string): readonly string[] | undefined {
    const items = this.array(name)
    if (items === undefined) return undefined
    return items.map((item, index) => {
      if (typeof item === 'string') return item
      throw new FieldProblem(`${this.at(name)}[${index}]`, 'expected a string')
    })
  }

  object(name: string): JsonObject | undefined {
    const value = this.value(name)
    if (value === undefined || isObject(value)) return value
    throw this.problem(name, 'an object')
  }

  /** The members of an object member. */
  fields(name: string): Fields | undefined {
    const value = this.object(name)
    return value === undefined ? undefined : new Fields(value, this.at(name))
  }

  /** The members of each object of an array member. */
  items(name: string): readonly Fields[] | undefined {
    return this.array(name)?.map((item, index) => fieldsOf(item, `${this.at(name)}[${index}]`))
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.string(name)
    if (value === undefined) return undefined
    const word = words.find((candidate) => candidate === value)
    if (word === undefined) throw this.problem(name, `one of ${words.map((item) => `"${item}"`).join(', ')}`)
    return word
  }

  /** Members that nobody read, as they came; undefined when there are none. */
  rest(): JsonObject | undefined {
    this.#isAccounted = true
    let rest: Record<string, unknown> | undefined
    for (const name of Object.keys(this.#object)) {
      const value = this.#object[name]
      if (this.#read.has(name) || value === null || value === undefined) continue
      rest ??= {}
      rest[name] = value
    }
    return rest === undefined ? undefined : leftOver(rest)
  }

  /** Reports every member that nobody read as dropped. */
  report(losses: Losses): void {
    const rest = this.rest()
    if (rest !== undefined) for (const name of Object.keys(rest)) losses.drop(this.at(name))
  }

  /** All of the object is kept as it came. */
  keep(): JsonObject {
    this.#isAccounted = true
    return this.#object
  }

  /** Reports what nobody read, unless somebody has taken it. */
  reportUnseen(losses: Losses): void {
    if (this.#isAccounted) return
    // It says how the rest is read, and was asked for where the object was.
    this.#read.add('type')
    this.report(losses)
  }

  problem(name: string, expected: string): FieldProblem {
    return new FieldProblem(this.at(name), `expected ${expected}`)
  }

  #missing(name: string, expected: string): never {
    throw this.problem(name, expected)
  }
}

/** The members of a value that must be an object. */
export function fieldsOf(value: unknown, path: string): Fields {
  if (!isObject(value)) throw new FieldProblem(path, 'expected an object')
  return new Fields(value, path)
}
