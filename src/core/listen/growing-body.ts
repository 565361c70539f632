import { ownBytes } from '../connect/lend-reads.ts'
import { giveMemory, takeMemory } from './body-memory.ts'

/** Memory is taken for so many times the bytes that have come, and for no more than was announced. */
const AHEAD = 4
/** Of a body that comes slowly, or in crumbs, so much is taken at once. */
const FIRST_BYTES = 16_384
const EMPTY = Buffer.alloc(0)

/**
 * A body that is read whole, in one piece of memory that grows with what has come: an announced length alone takes none.
 * The bytes that are pushed may be lent (`lend-reads.ts`).
 */
export class GrowingBody {
  /** -1 when nobody has announced it. */
  readonly #announced: number
  #memory: Buffer | null = null
  #whole: Buffer | null = null
  #length = 0

  constructor(announced: number) {
    this.#announced = announced
  }

  push(bytes: Buffer): void {
    if (this.#length === 0 && bytes.length === this.#announced && bytes.length < FIRST_BYTES) {
      this.#whole = ownBytes(bytes, 0)
      return
    }
    const memory = this.#withRoomFor(this.#length + bytes.length)
    bytes.copy(memory, this.#length)
    this.#length += bytes.length
  }

  /** Everything that was pushed. */
  joined(): Buffer {
    return this.#whole ?? this.#memory?.subarray(0, this.#length) ?? EMPTY
  }

  /** What the body lies in, to be given back when nobody needs it any more; null when there is nothing to give. */
  get memory(): Buffer | null {
    return this.#memory
  }

  #withRoomFor(needed: number): Buffer {
    const old = this.#memory
    if (old !== null && needed <= old.length) return old
    const ahead = Math.max(FIRST_BYTES, needed * AHEAD)
    const grown = takeMemory(this.#announced < needed ? needed * 2 : Math.min(this.#announced, ahead))
    if (old !== null) {
      old.copy(grown, 0, 0, this.#length)
      giveMemory(old)
    }
    this.#memory = grown
    return grown
  }
}
