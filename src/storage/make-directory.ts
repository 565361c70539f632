import fs from 'node:fs'
import path from 'node:path'

/**
 * Makes a directory for its owner alone, and those above it that are missing. Throws what the system says. Node's own
 * `recursive` never ends where a folder answers with ENOENT to everything that is to be made in it, as /proc does.
 */
export function makeDirectory(directory: string): void {
  const missing: string[] = []
  for (let at = path.resolve(directory); !fs.existsSync(at); at = path.dirname(at)) missing.push(at)
  for (const next of missing.reverse()) {
    try {
      fs.mkdirSync(next, { mode: 0o700 })
    } catch (error) {
      // Another process may be as quick.
      if (!fs.existsSync(next)) throw error
    }
  }
  if (!fs.statSync(directory).isDirectory()) throw new Error(`${directory} is a file`)
}
