/**
 * Edits (insert, delete, replace, swap of neighbours) between two words: the optimal string alignment distance, after
 * Damerau (1964) and Levenshtein (1966), in which no part of a word is edited twice.
 */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[to.length] ?? 0
}

const LONGEST_WORD = 64

/** The candidate that `word` was probably meant to be, or null. Case and separators (`apiKey`, `api-key`) don't count. */
export function suggest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > LONGEST_WORD) return null
  const plain = fold(word)
  let best: string | null = null
  // One edit in a word of three letters, two in one of six, never more than three: beyond that it is a guess.
  let bestDistance = Math.min(3, Math.max(1, Math.floor(plain.length / 3))) + 1
  for (const candidate of candidates) {
    if (candidate === word || Math.abs(candidate.length - word.length) > 8) continue
    const distance = editDistance(plain, fold(candidate))
    // A distance as long as the word itself replaces all of it, which resembles nothing.
    if (distance < bestDistance && distance < Math.max(plain.length, 1)) {
      best = candidate
      bestDistance = distance
    }
  }
  return best ?? onlyOneBeginningWith(plain, candidates)
}

/** A word that was cut short, such as `bas` for `base_url`; not when it could be several. */
function onlyOneBeginningWith(plain: string, candidates: Iterable<string>): string | null {
  if (plain.length < 3) return null
  const [first, ...others] = [...candidates].filter((candidate) => fold(candidate).startsWith(plain))
  return first !== undefined && others.length === 0 ? first : null
}

function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[-_. ]/g, '')
}
