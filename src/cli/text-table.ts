/** Rows of cells as a table for people, the first row its headings. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0
  const widths = Array.from({ length: columns }, (_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const lineOf = (row: readonly string[]) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')
  return rows.map((row) => `${lineOf(row).trimEnd()}\n`).join('')
}

/** Nano-dollars as dollars: never more than nine decimals; `String` would write small amounts with an exponent. */
export function dollarsOfNanos(nanos: number): string {
  const text = (Math.abs(nanos) / 1e9).toFixed(9).replace(/\.?0+$/, '')
  return `${nanos < 0 ? '-' : ''}$${text}`
}
