import type { SqlDatabase, SqlRow } from '../sql/sql-database.ts'
import { USAGE_DIMENSIONS, type UsageDimension } from '../sqlite/settled-rows.ts'

/** What stands for values of which too many were said in one day. */
export const OTHER = '(other)'
/** What clients may say anything as: given up in this order where a day has too many rows, what is said most variously first. */
const SAID: readonly UsageDimension[] = ['run', 'session', 'end_user', 'tag']
const SAID_AT = SAID.map((name) => USAGE_DIMENSIONS.indexOf(name))
const HOURS_OF_DAY = 24
/** Whose names are remembered: rows are removed in the order of time. */
const MOST_DAYS = 3

const SUMS = ['requests', 'tokens', 'nanos', 'adjusted_tokens', 'adjusted_nanos'] as const

/** A row of `usage_forgotten`: an hour, a value of each dimension, and what was settled. */
export interface ForgottenRow {
  readonly hour: number
  /** In the order of USAGE_DIMENSIONS. */
  readonly values: readonly string[]
  /** Requests, tokens, nano-dollars, and what of the two was taken away since. */
  readonly sums: number[]
}

/** Names of the columns of `usage_forgotten` that are its key, and of its sums. */
export const FORGOTTEN_KEY: readonly string[] = ['hour', ...USAGE_DIMENSIONS.map((name) => `"${name}"`)]
export const FORGOTTEN_SUMS: readonly string[] = SUMS

/** What goes of a range of request ids (a condition on `id`), summed by everything that is known of it, the first of them first. */
export function goingSql(settled: string): string {
  const columns = FORGOTTEN_KEY.join(', ')
  return `SELECT ${columns}, ${SUMS.map((name) => `sum(${name}) AS ${name}`).join(', ')} FROM (${settled}) AS going GROUP BY ${columns}
    ORDER BY min(request_id)`
}

/**
 * What is kept of usage whose records go. Of each day (UTC) at most `mostRows` rows keep all that clients have said; what comes beyond keeps
 * all but its run, in as many rows again, then all but run and session, and so on: `(other)` stands in the place of what was given
 * up, so that every sum stays what it was. Key, levels, provider, model and route are always kept.
 */
export class ForgottenUsage {
  readonly #database: SqlDatabase
  /** By day: the rows that are there, and how many of them have given up nothing, one thing, … */
  readonly #days = new Map<number, { readonly names: Set<string>; readonly counts: number[] }>()

  constructor(database: SqlDatabase) {
    this.#database = database
  }

  /** The rows in which these are to be counted. */
  place(rows: Iterable<SqlRow>, mostRows: number): readonly ForgottenRow[] {
    const placed = new Map<string, ForgottenRow>()
    for (const row of rows) {
      const hour = Number(row['hour'])
      const values = USAGE_DIMENSIONS.map((name) => String(row[name]))
      const { name, kept } = this.#room(hour, values, mostRows)
      const into = placed.get(name) ?? { hour, values: kept, sums: SUMS.map(() => 0) }
      for (const [at, column] of SUMS.entries()) into.sums[at] = (into.sums[at] ?? 0) + Number(row[column])
      placed.set(name, into)
    }
    return [...placed.values()]
  }

  /** What was placed is not in the database after all. */
  undone(): void {
    this.#days.clear()
  }

  #room(hour: number, values: readonly string[], mostRows: number): { name: string; kept: readonly string[] } {
    const { names, counts } = this.#day(Math.floor(hour / HOURS_OF_DAY))
    for (let given = 0; ; given++) {
      const kept = giveUp(values, given)
      const name = nameOf(hour, kept)
      if (names.has(name)) return { name, kept }
      const isLast = !saysAnything(kept)
      if (!isLast && (counts[given] ?? 0) >= mostRows) continue
      names.add(name)
      if (!isLast) counts[given] = (counts[given] ?? 0) + 1
      return { name, kept }
    }
  }

  #day(day: number) {
    const known = this.#days.get(day)
    if (known !== undefined) return known
    const made = { names: new Set<string>(), counts: SAID.map(() => 0) }
    const rows = this.#database
      .prepare(`SELECT ${FORGOTTEN_KEY.join(', ')} FROM usage_forgotten WHERE hour >= ? AND hour < ?`)
      .iterate(day * HOURS_OF_DAY, (day + 1) * HOURS_OF_DAY)
    for (const row of rows) {
      const values = USAGE_DIMENSIONS.map((name) => String(row[name]))
      made.names.add(nameOf(Number(row['hour']), values))
      if (!saysAnything(values)) continue
      const given = SAID_AT.findLastIndex((at) => values[at] === OTHER) + 1
      made.counts[given] = (made.counts[given] ?? 0) + 1
    }
    for (const first of this.#days.keys()) if (this.#days.size >= MOST_DAYS) this.#days.delete(first)
    this.#days.set(day, made)
    return made
  }
}

/** Without the first so many of what was said; what was not said stays nothing. */
function giveUp(values: readonly string[], count: number): readonly string[] {
  if (count === 0) return values
  const given = new Set(SAID_AT.slice(0, count))
  return values.map((value, at) => (given.has(at) && value !== '' ? OTHER : value))
}

function saysAnything(values: readonly string[]): boolean {
  return SAID_AT.some((at) => values[at] !== '' && values[at] !== OTHER)
}

function nameOf(hour: number, values: readonly string[]): string {
  return JSON.stringify([hour, ...values])
}
