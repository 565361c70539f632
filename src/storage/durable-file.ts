import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

/**
 * Creates a file that only its owner may read, whole or not at all, and durable when this returns: temporary file,
 * fsync, link to its name, fsync of the directory. Returns false, changing nothing, when the name is taken.
 */
export function createDurableFile(file: string, content: string): boolean {
  const directory = path.dirname(file)
  const temporary = path.join(directory, `.${path.basename(file)}.${randomBytes(6).toString('hex')}`)
  const fd = fs.openSync(temporary, 'wx', 0o600)
  try {
    fs.writeFileSync(fd, content)
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
  try {
    // A link instead of a rename: of two processes that create the file at once, the second must not replace it.
    fs.linkSync(temporary, file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    fs.rmSync(temporary, { force: true })
  }
  syncDirectory(directory)
  return true
}

/** Replaces a file, or creates it, as `createDurableFile` does: a reader sees the old content or the new one. */
export function replaceDurableFile(file: string, content: string): void {
  const directory = path.dirname(file)
  const temporary = path.join(directory, `.${path.basename(file)}.${randomBytes(6).toString('hex')}`)
  try {
    fs.writeFileSync(temporary, content, { mode: 0o600, flag: 'wx', flush: true })
    fs.renameSync(temporary, file)
  } finally {
    fs.rmSync(temporary, { force: true })
  }
  syncDirectory(directory)
}

/** Removes a file, durably; does nothing when it is gone. */
export function removeDurableFile(file: string): void {
  fs.rmSync(file, { force: true })
  syncDirectory(path.dirname(file))
}

function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
