import type { Exchange } from '../exchange.ts'

/** Where in the folder a request leads. */
export interface FilePath {
  /** Names from the root on, decoded; none is empty, `.`, `..`, or holds a slash. */
  readonly names: readonly string[]
  /** The path ends in a slash: it can only mean a folder. */
  readonly isFolder: boolean
}

/** Control characters, and what is a slash to some systems. */
const IMPOSSIBLE = /[\x00-\x1f\x7f\\]/
const ENCODED_SLASH = /%2f/i
/** The longest path that Linux opens. */
const MAX_LENGTH = 4096

/**
 * The part of the path that names a file: what the route's prefix or final wildcard left of it, else the whole.
 * Still encoded; empty when the path is the prefix itself, without a slash.
 */
export function restOf({ found, path }: Pick<Exchange, 'found' | 'path'>): string {
  if (found === null) return path
  const { rest } = found.captures(path)
  if (rest !== '') return rest.startsWith('/') ? rest : `/${rest}`
  // Exact paths and expressions leave no rest of any path; a prefix and a wildcard leave one of a longer path.
  const leavesRest = found.captures(`${path}${path.endsWith('/') ? '' : '/'}x`).rest !== ''
  if (!leavesRest) return path
  return path.endsWith('/') ? '/' : ''
}

/** Decodes a path, once; null for one that no file may have: it is not found. */
export function readFilePath(encoded: string, hidden: 'refuse' | 'serve'): FilePath | null {
  if (encoded.length > MAX_LENGTH || ENCODED_SLASH.test(encoded)) return null
  const path = decoded(encoded)
  if (path === null || IMPOSSIBLE.test(path)) return null
  if (path === '') return { names: [], isFolder: false }
  if (!path.startsWith('/')) return null
  const names = path.slice(1).split('/')
  const isFolder = names.at(-1) === ''
  if (isFolder) names.pop()
  for (const name of names) {
    if (name === '' || name === '.' || name === '..') return null
    if (hidden === 'refuse' && name.startsWith('.')) return null
  }
  return { names, isFolder }
}

function decoded(text: string): string | null {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null // not UTF-8: no file is named so
  }
}
