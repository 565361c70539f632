import type { AnswerHeaders, AnswerPlan, AnswerTap, GatewayError } from '../../core/index.ts'
import { createScanner, eventData, readString, SseCursor } from '../../lib/index.ts'
import { isObject, parseExact } from '../ir/json.ts'

const MAX_DEPTH = 128
/** Of a whole answer that is too long to be held: its id stands first, or is not looked for. */
const FIRST_MEMBER = /^\s*\{\s*"id"\s*:\s*"([^"\\]{1,256})"/
const FIRST_BYTES = 512
/** A stream names its answer in its first event. */
const MOST_EVENTS = 8

const scanner = createScanner(['id'], { maxDepth: MAX_DEPTH })

/** Finds the id that an upstream gave its answer, whole or streamed, beside whoever watches the answer. */
export class IdTap implements AnswerTap {
  readonly #inner: AnswerTap
  readonly #found: (id: string) => void
  #looking: 'head' | 'whole' | 'events' | 'done' = 'head'
  #events = 0

  constructor(inner: AnswerTap, found: (id: string) => void) {
    this.#inner = inner
    this.#found = found
  }

  start(status: number, headers: AnswerHeaders): AnswerPlan | GatewayError {
    const plan = this.#inner.start(status, headers)
    this.#looking = status !== 200 ? 'done' : plan === 'stream' ? 'events' : 'whole'
    return plan
  }

  complete(body: Buffer): Buffer | GatewayError {
    const out = this.#inner.complete(body)
    if (this.#looking === 'whole' && Buffer.isBuffer(out)) this.#tell(idOfWhole(body))
    return out
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    return this.#look(this.#inner.push(chunk))
  }

  end(): Buffer | GatewayError | null {
    return this.#look(this.#inner.end())
  }

  get silent(): boolean {
    return this.#inner.silent === true
  }

  get heartbeat(): NonNullable<AnswerTap['heartbeat']> | null {
    return this.#inner.heartbeat ?? null
  }

  headers(headers: AnswerHeaders, body: Buffer | null): string[] {
    return this.#inner.headers(headers, body)
  }

  #look<Out extends Buffer | GatewayError | null>(out: Out): Out {
    if (this.#looking === 'done' || !Buffer.isBuffer(out)) return out
    if (this.#looking === 'events') this.#lookAtEvents(out)
    else this.#tell(FIRST_MEMBER.exec(out.toString('latin1', 0, FIRST_BYTES))?.[1] ?? null)
    return out
  }

  #lookAtEvents(part: Buffer): void {
    const cursor = new SseCursor()
    cursor.load(part)
    while (cursor.next()) {
      const data = eventData(part.subarray(cursor.start, cursor.end), 0, cursor.end - cursor.start)
      const id = data === null ? null : idOfEvent(data)
      if (id !== null || ++this.#events >= MOST_EVENTS) return this.#tell(id)
    }
  }

  #tell(id: string | null): void {
    this.#looking = 'done'
    if (id !== null) this.#found(id)
  }
}

function idOfWhole(body: Buffer): string | null {
  const scanned = scanner.scan(body)
  if (scanned.kind !== 'object' || !scanned.has(0)) return null
  return readString(body, scanned.valueStart(0), scanned.valueEnd(0))
}

function idOfEvent(data: Buffer): string | null {
  try {
    const event = parseExact(data.toString('utf8'))
    const response = isObject(event) ? event['response'] : null
    const id = isObject(response) ? response['id'] : null
    return typeof id === 'string' && id !== '' ? id : null
  } catch {
    return null // what cannot be read names nothing
  }
}
