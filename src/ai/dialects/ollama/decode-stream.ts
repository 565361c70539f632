import type { AnswerFault, StreamEvent } from '../../ir/answer.ts'
import { isObject, type JsonObject, parseExact } from '../../ir/json.ts'
import type { DecodeContext, StreamDecoder, WireEvent } from '../dialect.ts'
import { AnswerReader } from './answer-reader.ts'

type Emit = (event: StreamEvent) => void

/** Reads the lines of `/api/chat` with `stream`. */
export class OllamaStreamDecoder implements StreamDecoder {
  readonly #reader: AnswerReader
  #over = false

  constructor(context: DecodeContext) {
    this.#reader = new AnswerReader(context)
  }

  push({ data }: WireEvent, emit: Emit): void {
    if (this.#over || data.trim() === '') return
    const line = parse(data)
    if (line === null)
      return this.#fail({ message: 'A line of the stream is no JSON object.', kind: 'malformed' }, emit)
    this.#over = this.#reader.push(line, emit)
  }

  close(emit: Emit): void {
    if (!this.#over) this.#fail({ message: 'The stream ended before its answer did.', kind: 'truncated' }, emit)
  }

  #fail(fault: AnswerFault, emit: Emit): void {
    this.#over = true
    emit({ type: 'fault', fault })
  }
}

function parse(text: string): JsonObject | null {
  try {
    const value = parseExact(text)
    return isObject(value) ? value : null
  } catch {
    return null // the caller says so
  }
}
