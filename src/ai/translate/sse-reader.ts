import { eventData, SseCursor, SseFramer } from '../../lib/index.ts'
import type { WireEvent } from '../dialects/dialect.ts'
import type { WireReader } from './wire-reader.ts'

const NAME = /^event: ?(.*)$/m
const FIRST_OF_DATA = 0x64
const BLANK_LINE = Buffer.from('\n\n')

/** Events of a `text/event-stream`. Those without data are passed over. */
export class SseReader implements WireReader {
  readonly #framer = new SseFramer(MAX_EVENT_BYTES)
  readonly #cursor = new SseCursor()

  push(chunk: Buffer, take: (event: WireEvent) => void): string | null {
    const part = this.#framer.push(chunk)
    if (part === null) return null
    if (part === 'overflow') return 'sent an event that is too large'
    this.#read(part, take)
    return null
  }

  end(take: (event: WireEvent) => void): string | null {
    const rest = this.#framer.end()
    // The blank line behind the last event may be missing.
    if (rest !== null) this.#read(Buffer.concat([rest, BLANK_LINE]), take)
    return null
  }

  #read(part: Buffer, take: (event: WireEvent) => void): void {
    const cursor = this.#cursor
    cursor.load(part)
    while (cursor.next()) {
      const { start, end } = cursor
      const data = eventData(part, start, end)
      if (data === null || data.length === 0) continue
      const name = part[start] === FIRST_OF_DATA ? null : nameOf(part, start, end)
      take({ name, data: data.toString('utf8') })
    }
  }
}

/** Pictures come in one event. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024

function nameOf(part: Buffer, start: number, end: number): string | null {
  const name = NAME.exec(part.toString('utf8', start, end))?.[1]?.trim()
  return name === undefined || name === '' ? null : name
}
