import { isTokenByte, trimmed } from './grammar.ts'

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const MAX_TRAILERS = 100
const MAX_TRAILER_BYTES = 16_384
/** Fields that would say of the message how it is framed, after it was read (RFC 9110, 6.5.1). */
const FRAMING = ['content-length', 'transfer-encoding']

/** The trailers behind a chunked body, byte by byte, no less strictly than headers. */
export class TrailerSection {
  #bytes = 0
  #count = 0
  #part: 'start' | 'name' | 'value' | 'cr' | 'last-cr' = 'start'
  #name = ''
  #value = ''
  #fields: string[] | null = null
  complete = false
  /** What `push` found wrong is that there is too much. */
  overLimit = false

  /** Flat, names in lower case; null for none. To be asked for when it is complete. */
  get fields(): readonly string[] | null {
    return this.#fields
  }

  reset(): void {
    this.#bytes = 0
    this.#count = 0
    this.#part = 'start'
    this.#name = ''
    this.#fields = null
    this.complete = false
    this.overLimit = false
  }

  /** Takes the next byte; what is wrong with it, or null. */
  push(byte: number): string | null {
    if (++this.#bytes > MAX_TRAILER_BYTES) return this.#tooMuch('its trailers are too long')
    switch (this.#part) {
      case 'start':
        if (byte === CR) this.#part = 'last-cr'
        else {
          if (++this.#count > MAX_TRAILERS) return this.#tooMuch('it has too many trailers')
          this.#name = ''
          this.#part = 'name'
          return this.#nameByte(byte)
        }
        return null
      case 'name':
        return this.#nameByte(byte)
      case 'value':
        if (byte === CR) this.#part = 'cr'
        else if ((byte < 0x20 && byte !== TAB) || byte === 0x7f) return 'a trailer has a control character'
        else this.#value += String.fromCharCode(byte)
        return null
      case 'cr':
        if (byte !== LF) return 'a trailer has a bare CR'
        this.#part = 'start'
        this.#fields ??= []
        this.#fields.push(this.#name.toLowerCase(), trimmed(this.#value, 0, this.#value.length))
        return null
      case 'last-cr':
        if (byte !== LF) return 'its trailers end without CRLF'
        this.complete = true
        return null
    }
  }

  #nameByte(byte: number): string | null {
    if (byte === COLON && this.#name !== '') {
      this.#part = 'value'
      this.#value = ''
      return FRAMING.includes(this.#name.toLowerCase()) ? 'a trailer says how the body is framed' : null
    }
    if (!isTokenByte(byte)) return 'a trailer has no name'
    this.#name += String.fromCharCode(byte)
    return null
  }

  #tooMuch(what: string): string {
    this.overLimit = true
    return what
  }
}
