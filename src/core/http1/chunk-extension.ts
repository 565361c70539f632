import { isTokenByte } from './grammar.ts'

const TAB = 0x09
const QUOTE = 0x22
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const BACKSLASH = 0x5c

type State = 'name-start' | 'name' | 'value-start' | 'value' | 'quoted' | 'escaped' | 'after-quote'

/**
 * The extensions of a chunk, byte by byte (RFC 9112, 7.1.1): `;name`, `;name=token`, `;name="quoted"`. White space
 * between them, which senders must not send, is not taken.
 */
export class ChunkExtension {
  #state: State = 'name-start'

  /** A semicolon came. */
  begin(): void {
    this.#state = 'name-start'
  }

  /** True when the chunk's line may end here. */
  get mayEnd(): boolean {
    return this.#state === 'name' || this.#state === 'value' || this.#state === 'after-quote'
  }

  /** False when the byte does not belong here. */
  push(byte: number): boolean {
    const next = this.#next(byte)
    if (next === null) return false
    this.#state = next
    return true
  }

  #next(byte: number): State | null {
    switch (this.#state) {
      case 'name-start':
        return isTokenByte(byte) ? 'name' : null
      case 'name':
        if (byte === EQUALS) return 'value-start'
        return isTokenByte(byte) ? 'name' : begins(byte)
      case 'value-start':
        if (byte === QUOTE) return 'quoted'
        return isTokenByte(byte) ? 'value' : null
      case 'value':
        return isTokenByte(byte) ? 'value' : begins(byte)
      case 'quoted':
        if (byte === QUOTE) return 'after-quote'
        if (byte === BACKSLASH) return 'escaped'
        return isText(byte) ? 'quoted' : null
      case 'escaped':
        return isText(byte) ? 'quoted' : null
      case 'after-quote':
        return begins(byte)
    }
  }
}

function begins(byte: number): State | null {
  return byte === SEMICOLON ? 'name-start' : null
}

function isText(byte: number): boolean {
  return byte === TAB || (byte >= 0x20 && byte !== 0x7f)
}
