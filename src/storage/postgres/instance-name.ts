import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { createDurableFile } from '../durable-file.ts'

/** The name of a data directory, and so of the journal in it, among all that share a database: made at need, and never changed. */
export function instanceName(dataDir: string): string {
  const file = path.join(dataDir, 'instance-name')
  if (!fs.existsSync(file)) createDurableFile(file, `${randomBytes(12).toString('hex')}\n`)
  return fs.readFileSync(file, 'utf8').trim()
}
