/** One header line: name as sent, value without the blanks around it. */
export type Field = readonly [name: string, value: string]

/** The head of an HTTP/1.1 message; `bytes` is its length on the wire, blank line included. */
export interface Head {
  readonly startLine: string
  readonly fields: readonly Field[]
  readonly bytes: number
}

/** How the end of a body is found (RFC 9112, section 6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' }

/** A body as far as it has arrived; `end` is the offset behind it, meaningful when `complete`. */
export interface Body {
  readonly content: Buffer
  readonly complete: boolean
  readonly end: number
}

/** A message that a strict reader of RFC 9112 refuses; the message says which rule. */
export class MalformedMessage extends Error {}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** The head at the start of `bytes`, null while it is incomplete; throws {@link MalformedMessage}. */
export function readHead(bytes: Buffer): Head | null {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return null
  const [startLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  if (!VALUE.test(startLine)) throw new MalformedMessage('control character in the start line')
  return { startLine, fields: lines.map(readField), bytes: end + 4 }
}

function readField(line: string): Field {
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(colon, 0))
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
  if (colon < 1 || !TOKEN.test(name)) throw new MalformedMessage(`illegal header name in ${JSON.stringify(line)}`)
  if (!VALUE.test(value)) throw new MalformedMessage(`illegal character in the value of ${name}`)
  return [name, value]
}

/** All values of the header `name`, compared without case. */
export function fieldValues(fields: readonly Field[], name: string): string[] {
  return fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
}

/** The first value of the header `name`, compared without case. */
export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  return fieldValues(fields, name)[0]
}

/** Framing of a request with these fields; throws {@link MalformedMessage} for anything that has two readings. */
export function requestFraming(fields: readonly Field[]): Framing {
  return explicitFraming(fields) ?? { kind: 'none' }
}

/** Framing of a response to a request that was not HEAD; throws {@link MalformedMessage} as above. */
export function responseFraming(status: number, fields: readonly Field[]): Framing {
  if (status < 200 || status === 204 || status === 304) return { kind: 'none' }
  return explicitFraming(fields) ?? { kind: 'until-close' }
}

function explicitFraming(fields: readonly Field[]): Framing | null {
  const lengths = fieldValues(fields, 'content-length')
  const encodings = fieldValues(fields, 'transfer-encoding')
  const [length] = lengths
  if (lengths.length + encodings.length > 1) throw new MalformedMessage('more than one framing header')
  if (encodings.length > 0) {
    if (encodings[0]?.toLowerCase() !== 'chunked') throw new MalformedMessage('unknown transfer coding')
    return { kind: 'chunked' }
  }
  if (length === undefined) return null
  if (!/^\d{1,15}$/.test(length)) throw new MalformedMessage(`illegal content-length ${JSON.stringify(length)}`)
  return { kind: 'length', length: Number(length) }
}

/** The body that starts at `start`; `ended` says that no more bytes will come. Throws {@link MalformedMessage}. */
export function readBody(bytes: Buffer, start: number, framing: Framing, ended = false): Body {
  switch (framing.kind) {
    case 'none':
      return { content: Buffer.alloc(0), complete: true, end: start }
    case 'length': {
      const end = start + framing.length
      return { content: bytes.subarray(start, end), complete: bytes.length >= end, end }
    }
    case 'until-close':
      return { content: bytes.subarray(start), complete: ended, end: bytes.length }
    case 'chunked':
      return readChunked(bytes, start)
  }
}

function readChunked(bytes: Buffer, start: number): Body {
  const parts: Buffer[] = []
  let offset = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', offset)
    if (lineEnd < 0) return { content: Buffer.concat(parts), complete: false, end: offset }
    const size = /^([0-9a-fA-F]{1,8})(?:[ \t]*;.*)?$/.exec(bytes.toString('latin1', offset, lineEnd))?.[1]
    if (size === undefined) throw new MalformedMessage('illegal chunk size')
    const from = lineEnd + 2
    const to = from + Number.parseInt(size, 16)
    if (to === from) return readTrailers(bytes, from, Buffer.concat(parts))
    parts.push(bytes.subarray(from, Math.min(to, bytes.length)))
    if (bytes.length < to + 2) return { content: Buffer.concat(parts), complete: false, end: bytes.length }
    if (bytes.toString('latin1', to, to + 2) !== '\r\n') throw new MalformedMessage('chunk without its line end')
    offset = to + 2
  }
}

function readTrailers(bytes: Buffer, start: number, content: Buffer): Body {
  let offset = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', offset)
    if (lineEnd < 0) return { content, complete: false, end: offset }
    if (lineEnd === offset) return { content, complete: true, end: offset + 2 }
    readField(bytes.toString('latin1', offset, lineEnd))
    offset = lineEnd + 2
  }
}
