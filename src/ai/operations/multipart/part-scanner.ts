/** What a scanner finds, in the order of the bytes. Offsets are of the whole body. */
export interface PartListener {
  /** A part begins. False: its value is of no interest. */
  onPart(name: string, isFile: boolean): boolean
  /** The whole value of a part of interest. */
  onValue(name: string, value: string, start: number, end: number): void
  /** All bytes once more, in order, as soon as it is known whether they are the value of a part or stand around it. */
  onBytes?(bytes: Buffer, isValue: boolean): void
}

/** Headers of one part. */
const MAX_HEADER_BYTES = 8_192
/** Values of interest are names and words. */
const MAX_VALUE_BYTES = 2_048
const MAX_PARTS = 1_000
const HEADERS_END = Buffer.from('\r\n\r\n')
const CR = 0x0d
const LF = 0x0a
const DASH = 0x2d
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{1,70}$/

/** The boundary that a form's content type names (RFC 2046, 5.1.1); null when the type is none of a form. */
export function boundaryOf(contentType: string | null): string | null {
  if (contentType === null || !/^multipart\/form-data\s*;/i.test(contentType)) return null
  const found = [...contentType.matchAll(/;\s*boundary=(?:"([^"\\]+)"|([^\s;"]+))/gi)]
  const boundary = found[0]?.[1] ?? found[0]?.[2]
  // Two could be read in two ways, and so could a space at the end.
  if (found.length !== 1 || boundary === undefined || !BOUNDARY.test(boundary) || boundary.endsWith(' ')) return null
  return boundary
}

/**
 * Finds the parts of a form as its bytes arrive, and keeps nothing of a file but what may be the beginning of a delimiter.
 * Strict (RFC 7578, RFC 2046): a form that a server could read in another way is refused.
 */
export class PartScanner {
  readonly #listener: PartListener
  readonly #delimiter: Buffer
  #state: 'value' | 'headers' | 'end' = 'value'
  /** Bytes that are not decided yet; a line break stands before the first delimiter, as before all others. */
  #held: Buffer = Buffer.from('\r\n')
  /** Offset of the first of them. */
  #at = -2
  #parts = 0
  #wanted: string | null = null

  constructor(boundary: string, listener: PartListener) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    this.#listener = listener
  }

  /** The last delimiter was seen. */
  get ended(): boolean {
    return this.#state === 'end'
  }

  /** The next bytes; what is wrong with the form, or null. */
  push(bytes: Buffer): string | null {
    if (this.#state === 'end') {
      this.#listener.onBytes?.(bytes, false)
      return null
    }
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    for (;;) {
      const step = this.#state === 'headers' ? this.#readHeaders() : this.#readValue()
      if (step === 'more') return null
      if (step !== 'on') return step
      if (this.ended) {
        if (this.#held.length > 0) this.#listener.onBytes?.(this.#held, false)
        this.#held = EMPTY
        return null
      }
    }
  }

  #readValue(): string {
    const held = this.#held
    const end = held.indexOf(this.#delimiter)
    if (end < 0) {
      if (this.#wanted !== null) return held.length > MAX_VALUE_BYTES ? tooLong(this.#wanted) : 'more'
      if (this.#parts === 0 && held.length > MAX_HEADER_BYTES) return 'does not begin with its boundary'
      this.#drop(Math.max(0, held.length - this.#delimiter.length + 1), true)
      return 'more'
    }
    const after = end + this.#delimiter.length
    if (held.length < after + 2) {
      if (this.#wanted === null) this.#drop(end, true)
      return 'more'
    }
    // What stands before the first delimiter is no part, and no client sends any.
    if (this.#parts === 0 && this.#at + end !== -2) return 'does not begin with its boundary'
    if (this.#wanted !== null) {
      if (end > MAX_VALUE_BYTES) return tooLong(this.#wanted)
      this.#listener.onValue(this.#wanted, held.toString('utf8', 0, end), this.#at, this.#at + end)
      this.#wanted = null
    }
    if (held[after] === DASH && held[after + 1] === DASH) this.#state = 'end'
    else if (held[after] === CR && held[after + 1] === LF) this.#state = 'headers'
    else return 'has a boundary with something behind it'
    this.#drop(end, true)
    this.#drop(after + 2 - end, false)
    return 'on'
  }

  #readHeaders(): string {
    const held = this.#held
    const end = held.indexOf(HEADERS_END)
    if (end < 0) return held.length > MAX_HEADER_BYTES ? 'has a part with very long headers' : 'more'
    if (end > MAX_HEADER_BYTES) return 'has a part with very long headers'
    if (++this.#parts > MAX_PARTS) return `has more than ${MAX_PARTS} parts`
    const found = dispositionOf(held.toString('latin1', 0, end))
    if (typeof found === 'string') return found
    // The delimiter's own line break may stand right behind the headers.
    this.#drop(end + HEADERS_END.length, false)
    this.#state = 'value'
    this.#wanted = this.#listener.onPart(found.name, found.isFile) ? found.name : null
    return 'on'
  }

  #drop(count: number, isValue: boolean): void {
    if (this.#listener.onBytes !== undefined) this.#tell(count, isValue)
    this.#held = this.#held.subarray(count)
    this.#at += count
  }

  /** The line break before the first delimiter was never sent. */
  #tell(count: number, isValue: boolean): void {
    const from = Math.max(0, Math.min(count, -this.#at))
    if (count > from) this.#listener.onBytes?.(this.#held.subarray(from, count), isValue)
  }
}

const EMPTY = Buffer.alloc(0)

function tooLong(name: string): string {
  return `has a very long value for "${name.slice(0, 64)}"`
}

/** Name of a part, and whether it is a file; what is wrong with its headers. */
function dispositionOf(headers: string): { readonly name: string; readonly isFile: boolean } | string {
  const lines = headers.split('\r\n')
  if (lines.some((line) => !/^[\w-]+:/.test(line) || /[\r\n\0]/.test(line))) return 'has a part with a malformed header'
  if (lines.some((line) => /^content-transfer-encoding:\s*(?!binary|7bit|8bit)/i.test(line))) {
    return 'has a part with a transfer encoding'
  }
  const found = lines.filter((line) => /^content-disposition:/i.test(line))
  if (found.length !== 1) return 'has a part without one Content-Disposition'
  const value = (found[0] ?? '').slice('content-disposition:'.length).trim()
  const parameters = /^form-data((?:\s*;\s*[\w*-]+=(?:"(?:[^"\\]|\\.)*"|[^\s;"]+))*)\s*;?\s*$/i.exec(value)
  if (parameters === null) return 'has a part with a malformed Content-Disposition'
  const named = [...(parameters[1] ?? '').matchAll(/;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/g)]
  const names = named.filter(([, name]) => /^name\*?$/i.test(name ?? ''))
  const [only] = names
  if (names.length !== 1 || only === undefined || only[1] !== 'name') return 'has a part without one plain name'
  return {
    name: only[2] ?? only[3] ?? '',
    isFile: named.some(([, name]) => /^filename\*?$/i.test(name ?? '')),
  }
}
