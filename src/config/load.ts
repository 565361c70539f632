import { statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { configError } from './errors.ts'
import { type ParseOptions, type ParseResult, parseConfig } from './parse.ts'
import { START } from './position.ts'

/** The largest configuration file, in bytes: room for more than 20,000 keys, and a bound on what a parser is given. */
export const CONFIG_MAX_BYTES = 8 * 2 ** 20

/** The names under which a configuration is found when none is given, in order. */
export const CONFIG_FILE_NAMES = ['ferro.yaml', 'ferro.yml', 'ferro.json', 'ferro.toml'] as const

/** The path of the configuration file in a folder, or null when there is none. */
export function findConfigFile(folder: string): string | null {
  for (const name of CONFIG_FILE_NAMES) {
    const path = join(folder, name)
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
  }
  return null
}

/** Reads and parses a file. A file that cannot be read is an error like the others, at 1:1. */
export async function loadConfig(path: string, options: Omit<ParseOptions, 'path'> = {}): Promise<ParseResult> {
  const content = await readCapped(path)
  if (typeof content === 'string') return refuse(path, content)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    // The decoder says only that it failed.
    return refuse(path, 'is not UTF-8 text')
  }
  return parseConfig(text, { ...options, path })
}

function refuse(path: string, message: string): ParseResult {
  return { ok: false, errors: [configError(path, { ...START, path: [] }, { message })], file: path, text: '' }
}

/** The content of the file, or a sentence that says why there is none. */
async function readCapped(path: string): Promise<Buffer | string> {
  try {
    await using file = await open(path, 'r')
    const stat = await file.stat()
    if (stat.isDirectory()) return 'is a folder, not a file'
    if (stat.size > CONFIG_MAX_BYTES) return 'is larger than 8 MiB'
    const content = await file.readFile()
    return content.length > CONFIG_MAX_BYTES ? 'is larger than 8 MiB' : content
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'ENOENT') return 'there is no such file'
    if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user'
    return `cannot be read${code === '' ? '' : `: ${code}`}`
  }
}
