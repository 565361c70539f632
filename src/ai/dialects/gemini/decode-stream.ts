import type { StreamEvent } from '../../ir/answer.ts'
import { isObject } from '../../ir/json.ts'
import type { DecodeContext, StreamDecoder, WireEvent } from '../dialect.ts'
import { AnswerReader } from './answer-reader.ts'
import { parsed } from './json-text.ts'
import { camelMembers } from './spelling.ts'

type Emit = (event: StreamEvent) => void

/** Reads `streamGenerateContent?alt=sse`: each event is a response with what is new. */
export class GeminiStreamDecoder implements StreamDecoder {
  readonly #reader: AnswerReader
  #over = false

  constructor(context: DecodeContext) {
    this.#reader = new AnswerReader(context)
  }

  push(event: WireEvent, emit: Emit): void {
    if (this.#over || event.data === '') return
    const chunk = parsed(event.data)
    if (!isObject(chunk))
      return this.#fail({ message: 'A chunk of the stream is no JSON object.', kind: 'malformed' }, emit)
    try {
      if (!this.#reader.push(camelMembers(chunk), emit)) this.#over = true
    } catch (error) {
      // A part whose members are of other types than the vendor's.
      const message = error instanceof Error ? error.message : 'A chunk of the stream cannot be read.'
      this.#fail({ message, kind: 'malformed' }, emit)
    }
  }

  close(emit: Emit): void {
    if (this.#over) return
    if (!this.#reader.close(emit)) {
      this.#fail({ message: 'The stream ended before its answer did.', kind: 'truncated' }, emit)
    }
    this.#over = true
  }

  #fail(fault: Extract<StreamEvent, { type: 'fault' }>['fault'], emit: Emit): void {
    this.#over = true
    emit({ type: 'fault', fault })
  }
}
