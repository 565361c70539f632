const TAB = 0x09
const NEWLINE = 0x0a

/** What stands behind `key` and a tab on its line of a text whose lines are sorted by bytes; null when there is no such line. */
export function findSorted(text: Buffer, key: string): string | null {
  const wanted = Buffer.from(`${key}\t`)
  let low = 0
  let high = text.length
  while (low < high) {
    const middle = (low + high) >> 1
    const start = middle === 0 ? 0 : text.lastIndexOf(NEWLINE, middle - 1) + 1
    const newline = text.indexOf(NEWLINE, middle)
    const end = newline < 0 ? text.length : newline
    const order = compare(text, start, end, wanted)
    if (order === 0) return text.toString('utf8', start + wanted.length, end)
    if (order < 0) low = end + 1
    else high = start
  }
  return null
}

/** The same where the lines are in any order, and the first one is empty. */
export function findAnywhere(text: Buffer, key: string): string | null {
  const wanted = Buffer.from(`\n${key}\t`)
  const at = text.indexOf(wanted)
  if (at < 0) return null
  const end = text.indexOf(NEWLINE, at + wanted.length)
  return text.toString('utf8', at + wanted.length, end < 0 ? text.length : end)
}

/** Compares a line's key with the wanted one; both end in a tab, which sorts before everything that a key holds. */
function compare(text: Buffer, start: number, end: number, wanted: Buffer): number {
  const tab = text.indexOf(TAB, start)
  const keyEnd = tab < 0 || tab >= end ? end : tab + 1
  return text.compare(wanted, 0, wanted.length, start, keyEnd)
}
