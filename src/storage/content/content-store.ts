import type { SqlDatabase, SqlStatement } from '../sql/sql-database.ts'
import { inTransaction } from '../sql/transaction.ts'
import type { KeepingLimits, KeptContent } from './content-port.ts'
import type { ContentSeal } from './content-seal.ts'

/** Longer conversations than this go on by their whole text. */
const LONGEST_CHAIN = 2_000
/** More names than this nobody reads through. */
const MOST_UNDER_ONE = 20_000
const EXPIRE_EVERY_MS = 60_000

interface Row {
  readonly id: string
  readonly parent: string | null
  readonly sealed: Uint8Array
}

/**
 * What clients may ask for again, in a file of its own or in the database of all instances: sealed, bound to the key that made it, and
 * gone after its time. Beyond its bound the oldest goes first. What it holds may be lost at any time: nobody is charged by it.
 */
export class ContentStore {
  readonly #database: SqlDatabase
  readonly #seal: ContentSeal
  readonly #now: () => number
  readonly #find: SqlStatement
  readonly #findItem: SqlStatement
  readonly #findUnder: SqlStatement
  readonly #insert: SqlStatement
  readonly #insertItem: SqlStatement
  readonly #delete: SqlStatement
  readonly #oldest: SqlStatement
  #bytes: number
  #expiredAt = Number.NEGATIVE_INFINITY

  /** Takes over the database, and closes it. */
  constructor(database: SqlDatabase, seal: ContentSeal, now: () => number = Date.now) {
    this.#database = database
    this.#seal = seal
    this.#now = now
    this.#find = database.prepare(
      'SELECT id, parent, sealed FROM content WHERE tenant = ? AND id = ? AND expires_ms > ?',
    )
    this.#findItem = database.prepare(
      `SELECT DISTINCT content.id, parent, sealed FROM item JOIN content USING (sequence)
       WHERE item.tenant = ? AND item.id = ? AND expires_ms > ?`,
    )
    this.#findUnder = database.prepare(
      'SELECT id FROM content WHERE tenant = ? AND parent = ? AND expires_ms > ? ORDER BY sequence DESC LIMIT ?',
    )
    this.#insert = database.prepare(
      `INSERT INTO content (tenant, id, parent, expires_ms, bytes, sealed) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING RETURNING sequence`,
    )
    this.#insertItem = database.prepare(`INSERT INTO item (tenant, id, sequence) VALUES (?, ?, ?)
       ON CONFLICT (tenant, id) DO UPDATE SET sequence = excluded.sequence`)
    this.#delete = database.prepare('DELETE FROM content WHERE tenant = ? AND id = ? RETURNING bytes')
    this.#oldest = database.prepare(
      'DELETE FROM content WHERE sequence = (SELECT MIN(sequence) FROM content) RETURNING bytes',
    )
    this.#bytes = this.#sum()
  }

  /** False when it is larger than all that may be kept. */
  keep(tenant: string, content: KeptContent, { ttlMs, maxBytes }: KeepingLimits): boolean {
    const { id, parent, items, text } = content
    const sealed = this.#seal.seal(text, placeOf(tenant, id))
    const nowMs = this.#now()
    this.#expire(nowMs)
    if (sealed.length > maxBytes) return false
    try {
      inTransaction(this.#database, () => {
        const sequence = this.#insert.get(tenant, id, parent, nowMs + ttlMs, sealed.length, sealed)?.['sequence']
        if (typeof sequence === 'number') {
          for (const item of items) this.#insertItem.run(tenant, item, sequence)
          this.#bytes += sealed.length
        }
        while (this.#bytes > maxBytes) {
          const gone = this.#oldest.get()?.['bytes']
          if (typeof gone !== 'number') break
          this.#bytes -= gone
        }
      })
      return true
    } catch (error) {
      this.#bytes = this.#sum()
      throw error
    }
  }

  /** See ContentPort. */
  chain(tenant: string, id: string): string[] | null {
    const texts: string[] = []
    for (let next: string | null = id; next !== null; ) {
      const row: Row | null = this.#row(this.#find.get(tenant, next, this.#now()))
      const text = row === null ? null : this.#seal.open(row.sealed, placeOf(tenant, row.id))
      if (row === null || text === null || texts.length >= LONGEST_CHAIN) return null
      texts.push(text)
      next = row.parent
    }
    return texts.reverse()
  }

  /** See ContentPort. */
  holders(tenant: string, items: readonly string[]): string[] {
    const texts = new Map<string, string>()
    for (const item of items) {
      const row = this.#row(this.#findItem.get(tenant, item, this.#now()))
      const text = row === null ? null : this.#seal.open(row.sealed, placeOf(tenant, row.id))
      if (row !== null && text !== null) texts.set(row.id, text)
    }
    return [...texts.values()]
  }

  /** See ContentPort. */
  under(tenant: string, parent: string): string[] {
    return this.#findUnder.all(tenant, parent, this.#now(), MOST_UNDER_ONE).map(({ id }) => String(id))
  }

  /** See ContentPort. */
  remove(tenant: string, id: string): boolean {
    const there = this.#find.get(tenant, id, this.#now()) !== undefined
    const gone = this.#delete.get(tenant, id)?.['bytes']
    if (typeof gone === 'number') this.#bytes -= gone
    return there
  }

  close(): void {
    this.#database.close()
  }

  #row(row: Readonly<Record<string, unknown>> | undefined): Row | null {
    if (row === undefined) return null
    return row as unknown as Row // the columns that both queries name
  }

  #expire(nowMs: number): void {
    if (nowMs - this.#expiredAt < EXPIRE_EVERY_MS) return
    this.#expiredAt = nowMs
    this.#database.prepare('DELETE FROM content WHERE expires_ms <= ?').run(nowMs)
    // Others may have kept and removed as well.
    this.#bytes = this.#sum()
  }

  #sum(): number {
    const row = this.#database.prepare('SELECT COALESCE(SUM(bytes), 0) AS bytes FROM content').get()
    return Number(row?.['bytes'] ?? 0)
  }
}

/** What a text is bound to. */
function placeOf(tenant: string, id: string): string {
  return `${tenant}\n${id}`
}
