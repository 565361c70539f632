import type { StreamEvent } from '../../ir/answer.ts'
import { isObject } from '../../ir/json.ts'
import type { StreamDecoder, WireEvent } from '../dialect.ts'

type Emit = (event: StreamEvent) => void

/** Reads the stream of a prediction: `output` events hold text and no JSON; `done` or `error` ends it. */
export class PredictionStreamDecoder implements StreamDecoder {
  #started = false
  #over = false

  push({ name, data }: WireEvent, emit: Emit): void {
    if (this.#over) return
    if (name === 'error') return this.#fail(detailOf(data) ?? 'The prediction failed.', undefined, emit)
    if (name === 'done') {
      const reason = reasonOf(data)
      if (reason !== null) return this.#fail(`The prediction ended: ${reason}.`, reason, emit)
      this.#begin(emit)
      this.#over = true
      emit({ type: 'part-end', choice: 0, index: 0 })
      emit({ type: 'stop', choice: 0, stop: { reason: 'end', raw: 'succeeded' } })
      emit({ type: 'end' })
      return
    }
    if (name !== 'output' && name !== null) return
    this.#begin(emit)
    emit({ type: 'part-delta', choice: 0, index: 0, text: data })
  }

  close(emit: Emit): void {
    if (!this.#over) this.#fail('The upstream closed its stream before the answer was complete.', 'truncated', emit)
  }

  #begin(emit: Emit): void {
    if (this.#started) return
    this.#started = true
    emit({ type: 'start', dialect: 'replicate' })
    emit({ type: 'part-start', choice: 0, index: 0, part: { type: 'text', text: '' } })
  }

  #fail(message: string, kind: string | undefined, emit: Emit): void {
    this.#over = true
    emit({ type: 'fault', fault: { message, kind } })
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return null // the text itself is what was said
  }
}

function detailOf(data: string): string | null {
  const value = parsed(data)
  if (isObject(value) && typeof value['detail'] === 'string') return value['detail']
  return data === '' ? null : data
}

/** Why it ended, when not because it was complete. */
function reasonOf(data: string): string | null {
  const value = parsed(data)
  const reason = isObject(value) ? value['reason'] : null
  return typeof reason === 'string' && reason !== '' ? reason : null
}
