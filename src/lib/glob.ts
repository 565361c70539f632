/** Whether a whole text matches what was compiled. */
export type Matcher = (text: string) => boolean

/**
 * Compiles a name pattern: `*` stands for any characters, none included; everything else for itself, and case counts.
 * The match is leftmost-first without backtracking, so that no pattern can be made slow.
 */
export function compileGlob(pattern: string): Matcher {
  const pieces = pattern.split('*')
  const prefix = pieces[0] ?? ''
  if (pieces.length === 1) return (text) => text === prefix
  const suffix = pieces.at(-1) ?? ''
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '')
  const shortest = prefix.length + suffix.length
  return (text) => {
    if (text.length < shortest || !text.startsWith(prefix) || !text.endsWith(suffix)) return false
    const end = text.length - suffix.length
    let at = prefix.length
    for (const piece of middle) {
      const found = text.indexOf(piece, at)
      if (found === -1 || found + piece.length > end) return false
      at = found + piece.length
    }
    return true
  }
}

/** A compiled list of name patterns. */
export interface GlobSet {
  /** Whether any of the patterns matches the whole text. */
  matches(text: string): boolean
}

/** Compiles a list of patterns; those without `*` cost one look-up together. */
export function compileGlobs(patterns: readonly string[]): GlobSet {
  const names = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const matchers = patterns.filter((pattern) => pattern.includes('*')).map(compileGlob)
  return { matches: (text) => names.has(text) || matchers.some((matches) => matches(text)) }
}
