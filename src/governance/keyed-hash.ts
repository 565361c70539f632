/**
 * HalfSipHash-2-4 with 64 bits of output (J.-P. Aumasson, D. J. Bernstein: SipHash, 2012; the 32-bit variant of the
 * reference code): who does not know the key cannot choose texts that fall together. A text is read as its UTF-16 code
 * units, the lower byte first. A cryptographic hash of Node takes some twenty times as long for a short text.
 */
export class KeyedHash {
  readonly #k0: number
  readonly #k1: number
  #v0 = 0
  #v1 = 0
  #v2 = 0
  #v3 = 0
  /** Both halves of the last hash, as unsigned 32-bit integers. */
  low = 0
  high = 0

  /** The key's two halves, as 32-bit integers. */
  constructor(k0: number, k1: number) {
    this.#k0 = k0
    this.#k1 = k1
  }

  /** Hashes a text into `low` and `high`. */
  update(text: string): void {
    this.#v0 = this.#k0
    this.#v1 = this.#k1 ^ 0xee
    this.#v2 = 0x6c796765 ^ this.#k0
    this.#v3 = 0x74656462 ^ this.#k1
    const whole = text.length & ~1
    for (let at = 0; at < whole; at += 2) this.#take(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16))
    const rest = whole < text.length ? text.charCodeAt(whole) : 0
    this.#take(rest | ((text.length * 2) << 24))
    this.#v2 ^= 0xee
    for (let round = 0; round < 4; round++) this.#round()
    this.low = (this.#v1 ^ this.#v3) >>> 0
    this.#v1 ^= 0xdd
    for (let round = 0; round < 4; round++) this.#round()
    this.high = (this.#v1 ^ this.#v3) >>> 0
  }

  #take(word: number): void {
    this.#v3 ^= word
    this.#round()
    this.#round()
    this.#v0 ^= word
  }

  #round(): void {
    let v0 = (this.#v0 + this.#v1) | 0
    let v1 = rotated(this.#v1, 5) ^ v0
    v0 = rotated(v0, 16)
    let v2 = (this.#v2 + this.#v3) | 0
    let v3 = rotated(this.#v3, 8) ^ v2
    v0 = (v0 + v3) | 0
    v3 = rotated(v3, 7) ^ v0
    v2 = (v2 + v1) | 0
    v1 = rotated(v1, 13) ^ v2
    this.#v0 = v0
    this.#v1 = v1
    this.#v2 = rotated(v2, 16)
    this.#v3 = v3
  }
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
