import { dialectOf } from '../sql/dialect.ts'
import type { SqlDatabase, SqlStatement } from '../sql/sql-database.ts'
import { inTransaction } from '../sql/transaction.ts'

/** A thing that tells whoever looks at it what it used, once it has ended (a batch), and how to look at it. */
export interface AwaitedThing {
  /** As claims of usage name it. */
  readonly thing: string
  /** Whom its usage is charged to. */
  readonly keyId: string
  /** In the words of whoever awaits it. */
  readonly look: string
}

/** One that is due for a look. */
export interface DueThing extends AwaitedThing {
  /** How often it was given out before. */
  readonly looks: number
  /** Milliseconds since it was begun. */
  readonly ageMs: number
}

/** When things are looked at that nobody reads. */
export interface LookTimes {
  /** From the thing's beginning to the first look, and the shortest pause between two. */
  readonly firstMs: number
  readonly longestMs: number
}

/** Pauses grow with a thing's age: an hour after its beginning it is looked at half an hour later. */
const AGE_SHARE = 0.5

/**
 * Things whose usage nobody has told yet, in the database, so that they are looked at whatever ends in between. A thing that is
 * given out counts as looked at: whoever dies with it has it looked at again when it is due next.
 */
export class AwaitedUsage {
  readonly #database: SqlDatabase
  readonly #put: SqlStatement
  readonly #due: SqlStatement
  readonly #postpone: SqlStatement
  readonly #remove: SqlStatement

  constructor(database: SqlDatabase) {
    this.#database = database
    this.#put = database.prepare(
      `INSERT INTO awaited_usage VALUES (?1, ?2, ?3, ?4, 0, ?5)
       ON CONFLICT (thing) DO UPDATE SET look = excluded.look,
         due_ms = CASE WHEN excluded.due_ms < awaited_usage.due_ms THEN excluded.due_ms ELSE awaited_usage.due_ms END`,
    )
    this.#due = database.prepare('SELECT * FROM awaited_usage WHERE due_ms <= ? ORDER BY due_ms LIMIT ?')
    this.#postpone = database.prepare('UPDATE awaited_usage SET looks = looks + 1, due_ms = ? WHERE thing = ?')
    this.#remove = database.prepare('DELETE FROM awaited_usage WHERE thing = ?')
  }

  /** From now on; a thing that is awaited already is looked at in the new way. */
  put({ thing, keyId, look }: AwaitedThing, nowMs: number, { firstMs }: LookTimes): void {
    this.#put.run(thing, keyId, look, nowMs, nowMs + firstMs)
  }

  /** Gives out what is due, the longest waiting first, and not again before its next pause is over. */
  take(nowMs: number, most: number, { firstMs, longestMs }: LookTimes): DueThing[] {
    return inTransaction(this.#database, () => {
      this.#database.exec(dialectOf(this.#database).lock('awaited_usage'))
      return this.#due.all(nowMs, most).map((row) => {
        const { thing, key_id, look, made_ms, looks } = row as unknown as Row // the columns of the table
        const ageMs = Math.max(0, nowMs - made_ms)
        const pause = Math.min(Math.max(firstMs, Math.round(ageMs * AGE_SHARE)), Math.max(firstMs, longestMs))
        this.#postpone.run(nowMs + pause, thing)
        return { thing, keyId: key_id, look, looks, ageMs }
      })
    })
  }

  /** Its usage is told, or nobody will ever tell it. */
  remove(thing: string): void {
    this.#remove.run(thing)
  }
}

interface Row {
  readonly thing: string
  readonly key_id: string
  readonly look: string
  readonly made_ms: number
  readonly looks: number
}
