import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

/** What was seen of a counter's holders. */
export interface SeenHolders {
  readonly counter: string
  readonly held: ReadonlyMap<string, number>
  /** How long it is of any use. */
  readonly ttlMs: number
}

const SCHEMA = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS peers (replica TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (
  counter TEXT NOT NULL, replica TEXT NOT NULL, amount INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  PRIMARY KEY (counter, replica)
) WITHOUT ROWID;`

/**
 * What a replica last saw of the others: who was there, and what they held of budgets. Kept in its data directory for a start at which
 * the counter store is empty and the others are not there yet.
 */
export class PeerBook {
  readonly #database: DatabaseSync
  readonly #heldOf: StatementSync
  readonly #keep: StatementSync

  private constructor(database: DatabaseSync) {
    this.#database = database
    database.exec(SCHEMA)
    database.prepare('DELETE FROM held WHERE expires_ms < ?').run(Date.now())
    this.#heldOf = database.prepare('SELECT replica, amount FROM held WHERE counter = ?')
    this.#keep = database.prepare('INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)')
  }

  /** Opens the book of a cluster; one that cannot be read is begun anew. */
  static open(dataDir: string, cluster: string): PeerBook {
    const file = path.join(dataDir, `cluster-${cluster}.db`)
    try {
      return new PeerBook(new DatabaseSync(file))
    } catch {
      // It is of use in one rare moment, and the gateway must not fail to start for it.
      for (const end of ['', '-wal', '-shm']) fs.rmSync(file + end, { force: true })
      return new PeerBook(new DatabaseSync(file))
    }
  }

  /** Who was there. */
  get peers(): readonly string[] {
    return this.#database
      .prepare('SELECT replica FROM peers')
      .all()
      .map(({ replica }) => String(replica))
  }

  /** What others held of a counter. */
  heldOf(counter: string): ReadonlyMap<string, number> {
    return new Map(this.#heldOf.all(counter).map(({ replica, amount }) => [String(replica), Number(amount)]))
  }

  /** These are there now. Throws what the file says. */
  keepPeers(replicas: readonly string[]): void {
    this.#write(() => {
      this.#database.exec('DELETE FROM peers')
      const insert = this.#database.prepare('INSERT OR IGNORE INTO peers VALUES (?)')
      for (const replica of replicas) insert.run(replica)
    })
  }

  /** Others hold this now. Throws what the file says. */
  keepHolders(seen: readonly SeenHolders[], nowMs: number): void {
    this.#write(() => {
      for (const { counter, held, ttlMs } of seen) {
        for (const [replica, amount] of held) this.#keep.run(counter, replica, amount, Math.ceil(nowMs + ttlMs))
      }
    })
  }

  close(): void {
    this.#database.close()
  }

  #write(rows: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      rows()
      this.#database.exec('COMMIT')
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }
}
