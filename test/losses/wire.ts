/*
 * Marks in what is on the wire: every member that a body has, and one that nobody knows in each of its objects.
 */
import { isObject } from '../../src/ai/ir/json.ts'
import { MARK } from './members.ts'

export type Path = readonly (string | number)[]

/** A member to look for: in all places of a body (or of a stream's events) where it says the same. */
export interface WireMark {
  /** Without indexes, e.g. `choices[].message.content`. */
  readonly name: string
  readonly places: readonly Path[]
  readonly kind: 'unknown' | 'text' | 'number' | 'flag'
  readonly value: unknown
  /** Members that it stands in, and the kinds of things that these are: what may be reported of it. */
  readonly within: ReadonlySet<string>
}

/** Below this length the same word at two places may be two things. */
const SHORT = 10

/** Every mark that a value can have. `isLeaf`: below it stands what belongs to others (arguments of tools). */
export function marksOf(value: unknown, isLeaf: (path: Path) => boolean): readonly WireMark[] {
  const found = new Map<string, WireMark & { places: Path[] }>()
  const add = (key: string, mark: WireMark, path: Path) => {
    const known = found.get(key)
    if (known === undefined) found.set(key, { ...mark, places: [path] })
    else known.places.push(path)
  }
  const walk = (item: unknown, path: Path, within: ReadonlySet<string>) => {
    const name = nameOf(path)
    if (isLeaf(path)) return
    if (Array.isArray(item)) for (const [at, each] of item.entries()) walk(each, [...path, at], within)
    else if (isObject(item)) {
      const kinds = new Set([...within, ...kindsOf(item)])
      const unknown = { name: `${name}.${MARK}`, places: [], kind: 'unknown', value: 7_373_737, within: kinds } as const
      // Several events of a stream have the same form: one of each kind says enough.
      add(`${name} ${String(item['type'])} ${Object.keys(item).join()}`, unknown, [...path, MARK])
      for (const [member, each] of Object.entries(item)) walk(each, [...path, member], new Set([...kinds, member]))
    } else if (typeof item === 'string' && item !== '') {
      // What is said at several places is one thing.
      const key = item.length < SHORT ? `${name.slice(Math.max(0, name.search(/usage/i)))} ${item}` : item
      add(key, { name, places: [], kind: 'text', value: MARK, within }, path)
    } else if (typeof item === 'number') {
      // A later report of a counter stands for an earlier one.
      const last = name.slice(Math.max(0, name.search(/usage|_count|TokenCount/i)))
      add(`number ${last}`, { name, places: [], kind: 'number', value: item + 1, within }, path)
    } else if (typeof item === 'boolean') {
      add(`${name} ${item}`, { name, places: [], kind: 'flag', value: !item, within }, path)
    }
  }
  walk(value, [], new Set())
  return [...found.values()]
}

/** What a thing is called by what it holds, as far as it says so. */
function kindsOf(item: Readonly<Record<string, unknown>>): string[] {
  const kinds = Object.keys(item).filter((name) => UNION.has(name))
  if (item['thought'] === true) kinds.push('thinking')
  return typeof item['type'] === 'string' ? [...kinds, item['type']] : kinds
}

/** Members of which a part of Gemini's has one. */
const UNION: ReadonlySet<string> = new Set(['inlineData', 'functionCall', 'executableCode', 'codeExecutionResult'])

/** The same value with something at each of the places. */
export function withAt(value: unknown, places: readonly Path[], put: unknown): unknown {
  const copy = structuredClone(value)
  for (const path of places) {
    const parent = parentOf(copy, path)
    const member = path.at(-1)
    if (parent !== null && member !== undefined) parent[member] = put
  }
  return copy
}

/** The same value without what stands at each of the places. */
export function withoutAt(value: unknown, places: readonly Path[]): unknown {
  const copy = structuredClone(value)
  for (const path of [...places].reverse()) {
    const parent = parentOf(copy, path)
    const member = path.at(-1)
    if (Array.isArray(parent) && typeof member === 'number') parent.splice(member, 1)
    else if (parent !== null && member !== undefined) delete parent[member]
  }
  return copy
}

function parentOf(value: unknown, path: Path): Record<string | number, unknown> | null {
  let at = value
  for (const step of path.slice(0, -1)) {
    at = typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[step] : null
  }
  return typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>) : null
}

/** A path in the words of a report: without indexes. */
export function nameOf(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? '[]' : `.${step}`))
    .join('')
    .replace(/^\./, '')
}
