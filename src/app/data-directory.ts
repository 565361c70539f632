import { resolve } from 'node:path'
import { type ConfigDocument, resolveReference } from '../config/index.ts'
import { makeDirectory } from '../storage/index.ts'
import { StartError } from './start-error.ts'

/** The data directory, made if needed; only its owner may enter. */
export function makeDataDir(path: string): string {
  const dataDir = resolve(path)
  try {
    makeDirectory(dataDir)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartError(`The data directory ${dataDir} cannot be made: ${reason}. Choose another with --data-dir.`)
  }
  return dataDir
}

/** Where the database is, with its reference resolved; null for its place in the data directory. */
export function databaseUrl(document: ConfigDocument): string | null {
  if (document.storage.url === undefined) return null
  const resolved = resolveReference(document.storage.url, process.env)
  if (!resolved.ok) throw new StartError(`storage.url: ${resolved.missing}`)
  return resolved.secret.reveal()
}
