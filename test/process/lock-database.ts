import { DatabaseSync } from 'node:sqlite'
import type { Gateway } from '../harness/gateway.ts'

/**
 * Takes the write lock of a gateway's database, as a backup or a person with a shell might: the database refuses until
 * the function that this returns is called.
 */
export function lockDatabase(gateway: Gateway): () => void {
  const database = new DatabaseSync(gateway.databasePath, { timeout: 10_000 })
  database.exec('BEGIN IMMEDIATE')
  let locked = true
  return () => {
    if (!locked) return
    locked = false
    database.exec('ROLLBACK')
    database.close()
  }
}
