import type { PostgresDatabase } from './database.ts'

const DAY_MS = 86_400_000
/** One program after the other makes partitions: two that attach one at once would wait for each other. */
const PARTITION_LOCK = 7_305_413
const NAME = /^(?:request|attempt)_rows_(\d{4})(\d{2})(\d{2})$/

/** Tables whose rows lie in partitions by the UTC day of a request's id. */
const TABLES = ['request_rows', 'attempt_rows'] as const

/** The partitions of requests and attempts. To be used within transactions. */
export class Partitions {
  readonly #database: PostgresDatabase
  /** Days whose partitions are there, as this transaction sees it. */
  readonly #known = new Set<number>()

  constructor(database: PostgresDatabase) {
    this.#database = database
  }

  /** Makes the partitions that rows of these requests need. */
  makeFor(requestIds: Iterable<string>): void {
    const days = new Set<number>()
    for (const id of requestIds) {
      const day = dayOf(id)
      if (day !== null && !this.#known.has(day)) days.add(day)
    }
    if (days.size === 0) return
    this.#database.exec(`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`)
    for (const day of days) {
      this.#make(day)
      this.#known.add(day)
    }
  }

  /** What was made in a transaction may be rolled back with it; what is there may be dropped by others. */
  forget(): void {
    this.#known.clear()
  }

  /** Days that have partitions and lie before `beforeMs` as a whole, the oldest first. */
  before(beforeMs: number): number[] {
    const rows = this.#database
      .prepare("SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'request_rows'::regclass")
      .all()
    const days = rows.flatMap(({ name }) => {
      const [, year, month, day] = NAME.exec(String(name)) ?? []
      return day === undefined ? [] : [Date.UTC(Number(year), Number(month) - 1, Number(day)) / DAY_MS]
    })
    return days.filter((day) => (day + 1) * DAY_MS <= beforeMs).sort((a, b) => a - b)
  }

  /** Keeps everybody else from a day's rows until the transaction ends. */
  lock(day: number): void {
    this.#database.exec(`SELECT pg_advisory_xact_lock(${PARTITION_LOCK})`)
    this.#database.exec(
      `LOCK TABLE ${TABLES.map((table) => partition(table, day)).join(', ')} IN ACCESS EXCLUSIVE MODE`,
    )
  }

  drop(day: number): void {
    this.#database.exec(`DROP TABLE ${TABLES.map((table) => partition(table, day)).join(', ')}`)
    this.#known.delete(day)
  }

  #make(day: number): void {
    for (const table of TABLES) {
      const name = partition(table, day)
      if (this.#database.prepare('SELECT to_regclass(?) IS NOT NULL AS here').get(name)?.['here'] as unknown) continue
      // Attached, and not made in its place: that would wait for everybody who reads the table.
      this.#database.exec(
        `CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL);
         ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${beginAt(day * DAY_MS)}') TO ('${beginAt((day + 1) * DAY_MS)}')`,
      )
    }
  }
}

/** The day that an id tells of (since the epoch), or null for one that is no UUID. */
function dayOf(id: string): number | null {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}/.test(id)) return null
  return Math.floor(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) / DAY_MS)
}

/** A text before every id of a moment (ms since the epoch) and after all before it. */
export function beginAt(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

function partition(table: (typeof TABLES)[number], day: number): string {
  return `${table}_${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}`
}
