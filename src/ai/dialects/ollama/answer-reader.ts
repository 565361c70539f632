import type { StopReason, StreamEvent } from '../../ir/answer.ts'
import { isObject, type JsonObject, writeJson } from '../../ir/json.ts'
import { tokenCount } from '../../ir/token-count.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext } from '../dialect.ts'
import { LAST, PIECE } from './answer-shape.ts'
import { decodeError } from './errors.ts'

type Emit = (event: StreamEvent) => void

const STOPS: Readonly<Record<string, StopReason>> = { stop: 'end', length: 'length' }

/** Reads answers of `/api/chat`: a whole one is a stream of one line. The line with `done` is the last. */
export class AnswerReader {
  readonly #context: DecodeContext
  #started = false
  #parts = 0
  #open: { readonly type: 'text' | 'reasoning'; readonly index: number } | null = null
  #calls = false

  constructor(context: DecodeContext) {
    this.#context = context
  }

  /** True: nothing follows. */
  push(line: JsonObject, emit: Emit): boolean {
    const fault = 'error' in line ? decodeError(line) : null
    if (fault !== null) {
      emit({ type: 'fault', fault })
      return true
    }
    this.#start(line, emit)
    const { message, logprobs, done } = line
    reportUnread(line, done === true ? LAST : PIECE, this.#context.losses)
    if (isObject(message)) this.#message(message, emit)
    if (Array.isArray(logprobs)) emit({ type: 'logprobs', choice: 0, logprobs: { content: logprobs } })
    if (done !== true) return false
    this.#finish(line, emit)
    return true
  }

  #start({ model, created_at: created }: JsonObject, emit: Emit): void {
    if (this.#started) return
    this.#started = true
    const at = typeof created === 'string' ? Math.floor(Date.parse(created) / 1000) : Number.NaN
    emit({
      type: 'start',
      dialect: 'ollama',
      ...(typeof model === 'string' && { model }),
      ...(!Number.isNaN(at) && { createdAt: at }),
    })
  }

  #message(message: JsonObject, emit: Emit): void {
    const { thinking, content, tool_calls: calls } = message
    this.#text('reasoning', thinking, emit)
    this.#text('text', content, emit)
    for (const call of Array.isArray(calls) ? calls : []) if (isObject(call)) this.#call(call, emit)
  }

  #text(type: 'text' | 'reasoning', text: unknown, emit: Emit): void {
    if (typeof text !== 'string' || text === '') return
    if (this.#open?.type !== type) {
      this.#end(emit)
      this.#open = { type, index: this.#parts++ }
      emit({ type: 'part-start', choice: 0, index: this.#open.index, part: { type, text: '' } })
    }
    emit({ type: 'part-delta', choice: 0, index: this.#open.index, text })
  }

  /** Calls come whole; older servers give them no id. */
  #call(call: JsonObject, emit: Emit): void {
    this.#end(emit)
    this.#calls = true
    const { id } = call
    const { name, arguments: args } = isObject(call['function']) ? call['function'] : {}
    const index = this.#parts++
    const part = {
      type: 'tool-call',
      id: typeof id === 'string' && id !== '' ? id : this.#context.ids.next('call'),
      name: typeof name === 'string' ? name : '',
      arguments: '',
    } as const
    emit({ type: 'part-start', choice: 0, index, part })
    emit({ type: 'part-delta', choice: 0, index, text: isObject(args) ? writeJson(args) : '{}' })
    emit({ type: 'part-end', choice: 0, index })
  }

  #end(emit: Emit): void {
    if (this.#open !== null) emit({ type: 'part-end', choice: 0, index: this.#open.index })
    this.#open = null
  }

  /** `prompt_eval_count` is all of the prompt, `eval_count` all that was made, thoughts included. */
  #finish(line: JsonObject, emit: Emit): void {
    this.#end(emit)
    const { done_reason: raw = 'stop', prompt_eval_count: input, eval_count: output } = line
    const word = String(raw)
    const reason = STOPS[word] ?? 'other'
    emit({
      type: 'stop',
      choice: 0,
      stop: { reason: reason === 'end' && this.#calls ? 'tool-calls' : reason, raw: word },
    })
    if (input !== undefined || output !== undefined) {
      emit({ type: 'usage', usage: { input: count(input), output: count(output) } })
    }
    const extra = Object.fromEntries(
      Object.entries(line).filter(([name]) => !Object.hasOwn(LAST, name) && name !== 'error'),
    )
    emit(Object.keys(extra).length === 0 ? { type: 'end' } : { type: 'end', extra })
  }
}

function count(value: unknown): number {
  return tokenCount(value) ?? 0
}
