/** A place in a document: property names and array indexes from the root. */
export type Path = readonly (string | number)[]

/** A place in a text; both 1-based, the column in UTF-16 units. */
export interface Position {
  readonly line: number
  readonly column: number
}

/**
 * Where something of the document stands in the text: the value at `path`, or the key that introduces it. For a path
 * that is not in the text (a default, a missing key) it is the nearest enclosing thing that is.
 */
export type Locate = (path: Path, of: 'key' | 'value') => Position

/** Gives the `Locate` of a parsed text. Asynchronous because a format may load its position parser only when asked. */
export type Positions = () => Promise<Locate>

/** The start of the text: where an error stands that belongs to no line. */
export const START: Position = { line: 1, column: 1 }

/** A path as people read it: `models.fast-chat.targets[0].provider`; names with other characters are quoted. */
export function formatPath(path: Path): string {
  let text = ''
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`
    else if (/^[\w-]+$/.test(segment)) text += text === '' ? segment : `.${segment}`
    else text += `[${JSON.stringify(segment)}]`
  }
  return text
}

/** Turns offsets in `text` into positions. A line ends with LF, CRLF or CR. */
export function createLineIndex(text: string): (offset: number) => Position {
  const starts = [0]
  for (const { index, 0: ending } of text.matchAll(/\r\n|\n|\r/g)) starts.push(index + ending.length)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}
