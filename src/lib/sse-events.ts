const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const SPACE = 0x20
/** Beyond this length a native search is faster than a loop. */
const SHORT_LINE_BYTES = 256
const NOTHING = Buffer.alloc(0)
const DATA = Buffer.from('data')

/**
 * Walks over the complete events in the parts that an `SseFramer` returns; one for each stream, because only the very
 * first part may open with a byte order mark.
 *
 *     cursor.load(part)
 *     while (cursor.next()) use(part, cursor.start, cursor.end)
 */
export class SseCursor {
  /** Offset of the current event's first byte; blank lines before it are passed over. */
  start = 0
  /** Offset after the blank line that ends the current event. */
  end = 0
  #part: Buffer = NOTHING
  #first = true
  #hasCr = false

  /** Begins with the next part of the stream. */
  load(part: Buffer): void {
    this.#part = part
    this.#hasCr = part.includes(CR)
    this.end = this.#first && part[0] === 0xef && part[1] === 0xbb && part[2] === 0xbf ? 3 : 0
    this.#first = false
  }

  /** Moves to the next event that has at least one line; false when the part has no more, which ends its use. */
  next(): boolean {
    const part = this.#part
    let start = this.end
    while (part[start] === LF || part[start] === CR) start++
    const end = start >= part.length ? -1 : this.#hasCr ? endOfMixed(part, start) : endOfPlain(part, start)
    if (end === -1) {
      this.#part = NOTHING
      this.start = this.end = part.length
      return false
    }
    this.start = start
    this.end = end
    return true
  }
}

/** The offset after the blank line that ends the event at `start`, where lines end in LF only; -1 when it has no end. */
function endOfPlain(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(LF, start); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2
  }
  return -1
}

/** The same where CR may occur. */
function endOfMixed(bytes: Buffer, start: number): number {
  let at = start
  while (at < bytes.length) {
    const lineEnd = endOfLine(bytes, at)
    const next = afterTerminator(bytes, lineEnd)
    if (lineEnd === at) return next
    at = next
  }
  return -1
}

function endOfLine(bytes: Buffer, start: number): number {
  const limit = Math.min(bytes.length, start + SHORT_LINE_BYTES)
  let at = start
  while (at < limit && bytes[at] !== LF && bytes[at] !== CR) at++
  if (at < limit || at === bytes.length) return at
  const lf = bytes.indexOf(LF, at)
  const line = bytes.subarray(at, lf === -1 ? bytes.length : lf)
  const cr = line.indexOf(CR)
  return at + (cr === -1 ? line.length : cr)
}

function afterTerminator(bytes: Buffer, lineEnd: number): number {
  return bytes[lineEnd] === CR && bytes[lineEnd + 1] === LF ? lineEnd + 2 : lineEnd + 1
}

/**
 * The data of the event at [start, end): a view of the buffer when it has one `data` line, else the lines joined with
 * LF as the standard says; null when it has none (a comment, a `retry`).
 */
export function eventData(bytes: Buffer, start: number, end: number): Buffer | null {
  let data: Buffer | null = null
  let lines: Buffer[] | null = null
  for (let at = start; at < end; ) {
    const lineEnd = Math.min(endOfLine(bytes, at), end)
    const line = dataOfLine(bytes, at, lineEnd)
    if (line !== null) {
      if (data === null) data = line
      else if (lines === null) lines = [data, line]
      else lines.push(line)
    }
    at = afterTerminator(bytes, lineEnd)
  }
  return lines === null ? data : joinLines(lines)
}

function dataOfLine(bytes: Buffer, start: number, end: number): Buffer | null {
  const colon = start + DATA.length
  if (colon > end) return null
  for (let index = 0; index < DATA.length; index++) {
    if (bytes[start + index] !== DATA[index]) return null
  }
  if (colon === end) return NOTHING
  if (bytes[colon] !== COLON) return null
  const value = colon + 1
  return bytes.subarray(value < end && bytes[value] === SPACE ? value + 1 : value, end)
}

function joinLines(lines: readonly Buffer[]): Buffer {
  let length = lines.length - 1
  for (const line of lines) length += line.length
  const joined = Buffer.allocUnsafe(length)
  let at = 0
  for (const [index, line] of lines.entries()) {
    if (index > 0) joined[at++] = LF
    at += line.copy(joined, at)
  }
  return joined
}
