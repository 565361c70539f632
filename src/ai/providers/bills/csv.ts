/** A file that is no table in the form that is read here; the message says where. */
export class CsvError extends Error {}

/**
 * Reads comma-separated values (RFC 4180) with a row of headings: each row as its cells by heading. Strict: a row with another
 * number of cells, a quote within a bare cell or an open quote at the end is an error with its line.
 */
export function readCsv(text: string): ReadonlyMap<string, string>[] {
  const rows = cellsOf(text.replace(/^\uFEFF/, ''))
  const [headings, ...body] = rows
  if (headings === undefined) throw new CsvError('the file is empty')
  const names = headings.cells.map((name) => name.trim())
  if (new Set(names).size < names.length) throw new CsvError('a heading stands there twice')
  return body.map(({ cells, line }) => {
    if (cells.length !== names.length) {
      throw new CsvError(`line ${line}: ${cells.length} cells, and ${names.length} headings`)
    }
    return new Map(names.map((name, at) => [name, cells[at] ?? '']))
  })
}

interface Row {
  readonly cells: readonly string[]
  /** Where it begins, from 1. */
  readonly line: number
}

function cellsOf(text: string): Row[] {
  const rows: Row[] = []
  let at = 0
  let line = 1
  while (at < text.length) {
    const cells: string[] = []
    const first = line
    for (;;) {
      const [cell, end] = text[at] === '"' ? quoted(text, at, line) : bare(text, at, line)
      cells.push(cell)
      line += cell.split('\n').length - 1
      at = end
      if (text[at] !== ',') break
      at++
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at++
    if (at < text.length && text[at] !== '\n')
      throw new CsvError(`line ${line}: something stands behind a closing quote`)
    at++
    line++
    // A line break at the end of the file, or an empty line.
    if (cells.length > 1 || cells[0] !== '') rows.push({ cells, line: first })
  }
  return rows
}

function quoted(text: string, start: number, line: number): [cell: string, end: number] {
  let cell = ''
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at)
    if (quote < 0) throw new CsvError(`line ${line}: a quote is never closed`)
    cell += text.slice(at, quote)
    if (text[quote + 1] !== '"') return [cell, quote + 1]
    cell += '"'
    at = quote + 2
  }
}

function bare(text: string, start: number, line: number): [cell: string, end: number] {
  const end = /[,\n]|\r\n|$/.exec(text.slice(start))?.index ?? 0
  const cell = text.slice(start, start + end)
  if (cell.includes('"')) throw new CsvError(`line ${line}: a quote within a cell that does not begin with one`)
  return [cell, start + end]
}
