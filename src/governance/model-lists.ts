import { compileGlobs, type GlobSet } from '../lib/index.ts'

/** What an allow list allows; null: everything. */
export function allowedBy(patterns: readonly string[] | null): GlobSet | null {
  return patterns === null ? null : compileGlobs(patterns)
}

/** What a deny list denies; null: nothing. Providers may take a name in any case: a denial counts for each of them. */
export function deniedBy(patterns: readonly string[]): GlobSet | null {
  if (patterns.length === 0) return null
  const globs = compileGlobs(patterns.map((pattern) => pattern.toLowerCase()))
  return { matches: (name) => globs.matches(name.toLowerCase()) }
}
