/** Header lines as they go over the wire, from a flat list. Throws a RangeError for what no header can hold. */
export function headerLines(headers: readonly string[]): string {
  let lines = ''
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    const value = headers[at + 1] ?? ''
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw new RangeError(`"${name}" is not a header name`)
    if (!/^[\t -~\x80-\xff]*$/.test(value)) throw new RangeError(`the value of the header ${name} has impossible characters`)
    lines += `${name}: ${value}\r\n`
  }
  return lines
}
