import { isObject, type JsonObject } from '../ir/json.ts'
import { tailMember, tailWord } from './tail-member.ts'

/** As long as that an answer is read as a whole. */
const LONGEST_READ = 16 * 1024 * 1024
/** Of a longer one: enough of its end to hold its usage. */
const TAIL_BYTES = 65_536

/**
 * An answer that is too long for the attempt's own buffer, and streamed. It is read when it is over, by the same readers as a
 * short one.
 */
export class LongAnswer {
  #held: Buffer[] = []
  #isWhole = true
  /** Bytes that came. */
  bytes = 0

  push(chunk: Buffer): void {
    this.bytes += chunk.length
    // What the transport hands over it may use again.
    this.#held.push(Buffer.from(chunk))
    if (this.bytes <= LONGEST_READ) return
    const joined = Buffer.concat(this.#held)
    this.#isWhole = false
    this.#held = [Buffer.from(joined.subarray(Math.max(0, joined.length - TAIL_BYTES)))]
  }

  /** Its members: all of one that could be held, else those at its end that tell what it used. Null for no object. */
  members(): JsonObject | null {
    const bytes = Buffer.concat(this.#held)
    this.#held = []
    if (!this.#isWhole) return endOf(bytes)
    try {
      const value: unknown = JSON.parse(bytes.toString('utf8'))
      return isObject(value) ? value : null
    } catch {
      return endOf(bytes) // cut, or damaged: what it used may still stand there
    }
  }
}

function endOf(tail: Buffer): JsonObject | null {
  const members: Record<string, unknown> = {}
  for (const name of ['usage', 'usageMetadata']) {
    const value = tailMember(tail, name)
    if (value !== null) members[name] = value
  }
  if (Object.keys(members).length === 0) return null
  const tier = tailWord(tail, 'service_tier')
  return tier === null ? members : { ...members, service_tier: tier }
}
