import type { GatewayError } from '../../../core/index.ts'
import type { Stop, StreamEvent, TokenUsage } from '../../ir/answer.ts'
import { withNote, withText } from '../../ir/assemble.ts'
import { type JsonObject, writeJson } from '../../ir/json.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { AnswerReport } from '../carried-answer.ts'
import type { AnswerContext, StreamEncoder } from '../dialect.ts'
import type { DialectName } from '../name.ts'
import { ANSWER_CARRIES } from './answer-carries.ts'
import { answerPartContext, candidate, ownExtra, Sources, showsThoughts, usageMetadata } from './encode-answer.ts'
import { merged } from './encode-config.ts'
import { encodeModelPart, type PartContext } from './encode-parts.ts'
import { encodeError } from './errors.ts'

/** A part that has begun, with what of it was not written yet. */
interface Waiting {
  part: AssistantPart
  /** Its text so far, for the places of its sources. */
  text: string
  ended: boolean
}

interface Candidate {
  /** By number, in the order in which they began. */
  readonly waiting: Map<number, Waiting>
  readonly sources: Sources
  stop: Stop | null
  logprobs: unknown[]
}

/**
 * Chunks of `streamGenerateContent`. A chunk's parts have no names, so that parts are written one after the other; calls and
 * media go out as a whole. Reasons to stop, usage and sources come with the last chunk.
 */
export class GeminiStreamEncoder implements StreamEncoder {
  readonly #context: AnswerContext
  readonly #report: AnswerReport
  #parts: PartContext
  #dialect: DialectName | null = null
  readonly #showsThoughts: boolean
  readonly #array: boolean
  readonly #candidates = new Map<number, Candidate>()
  #members: JsonObject
  #usage: TokenUsage | null = null
  #tier: string | undefined
  #began = false
  #over = false

  constructor(context: AnswerContext) {
    this.#context = context
    this.#parts = answerPartContext(null, context)
    this.#report = new AnswerReport('gemini', ANSWER_CARRIES, context.losses)
    this.#showsThoughts = showsThoughts(context)
    this.#array = context.streamFraming === 'json-array'
    this.#members = { modelVersion: context.model, responseId: context.id }
  }

  push(event: StreamEvent): string {
    if (this.#over) return ''
    this.#report.event(event)
    switch (event.type) {
      case 'start':
        this.#members = { modelVersion: event.model ?? this.#context.model, responseId: event.id ?? this.#context.id }
        this.#tier = event.serviceTier
        this.#dialect = event.dialect ?? null
        this.#parts = answerPartContext(this.#dialect, this.#context)
        return ''
      case 'part-start': {
        const { index, part } = event
        this.#candidate(event.choice).waiting.set(index, { part, text: '', ended: false })
        return this.#advance(event.choice)
      }
      case 'part-delta':
        this.#change(event.choice, event.index, (part) => withText(part, event.text))
        return this.#advance(event.choice)
      case 'part-note':
        this.#change(event.choice, event.index, (part) => withNote(part, event))
        return ''
      case 'part-end': {
        const waiting = this.#waiting(event.choice, event.index)
        if (waiting !== undefined) waiting.ended = true
        return this.#advance(event.choice)
      }
      case 'logprobs': {
        const { content } = event.logprobs
        if (Array.isArray(content)) this.#candidate(event.choice).logprobs.push(...content)
        return ''
      }
      case 'stop':
        this.#candidate(event.choice).stop = event.stop
        return ''
      case 'usage':
        this.#usage = event.usage
        this.#tier = event.serviceTier ?? this.#tier
        return ''
      case 'fault':
        return ''
      case 'end':
        return this.#end(event.extra)
    }
  }

  /**
   * The vendor writes an error of a stream as bare JSON, and its own clients look for just that; general readers of
   * server-sent events see only what stands behind `data:`. Both are told.
   */
  fail(error: GatewayError, requestId: string): string {
    if (this.#over) return ''
    this.#over = true
    const text = JSON.stringify(encodeError(error, requestId))
    if (this.#array) return `${this.#began ? ',\r\n' : '['}${text}]`
    return `data: ${text}\r\n\r\n${text}`
  }

  #candidate(choice: number): Candidate {
    let found = this.#candidates.get(choice)
    if (found === undefined) {
      found = { waiting: new Map(), sources: new Sources(), stop: null, logprobs: [] }
      this.#candidates.set(choice, found)
    }
    return found
  }

  #waiting(choice: number, index: number): Waiting | undefined {
    return this.#candidates.get(choice)?.waiting.get(index)
  }

  #change(choice: number, index: number, edit: (part: AssistantPart) => AssistantPart): void {
    const waiting = this.#waiting(choice, index)
    if (waiting !== undefined) waiting.part = edit(waiting.part)
  }

  /** Writes what may be written now: texts of the first part as they come, the rest when it ended. */
  #advance(choice: number): string {
    const { waiting, sources } = this.#candidate(choice)
    const out: JsonObject[] = []
    for (const [index, first] of waiting) {
      if (first.ended) {
        waiting.delete(index)
        if (first.part.type === 'text') sources.add(first.text + first.part.text, first.part.citations)
        const last = this.#encoded(first.part)
        if (last !== null) out.push(last)
        continue
      }
      this.#flowing(first, out)
      break
    }
    return out.length === 0 ? '' : this.#chunk([{ content: { role: 'model', parts: out }, index: choice }])
  }

  /** What came of a text that is still growing; its seal comes with its end. */
  #flowing(first: Waiting, out: JsonObject[]): void {
    const { part } = first
    if (part.type !== 'text' && part.type !== 'reasoning' && part.type !== 'refusal') return
    if (part.text === '') return
    if (part.type === 'reasoning') {
      if (this.#showsThoughts) out.push({ text: part.text, thought: true })
    } else out.push({ text: part.text })
    if (part.type === 'text') first.text += part.text
    first.part = { ...part, text: '' }
  }

  #encoded(part: AssistantPart): JsonObject | null {
    const hidden = part.type === 'reasoning' && !this.#showsThoughts
    return encodeModelPart(hidden ? { ...part, text: '' } : part, this.#parts)
  }

  #end(extra: JsonObject | undefined): string {
    this.#over = true
    const own = ownExtra(this.#dialect, extra, this.#context)
    const candidates: JsonObject[] = []
    for (const [index, { stop, sources, logprobs }] of [...this.#candidates].sort(([a], [b]) => a - b)) {
      if (stop?.sequence !== undefined) this.#context.losses.drop('choices[].stop.sequence')
      const members = logprobs.length === 0 ? undefined : { content: logprobs }
      const last = candidate(
        { index, stop: stop ?? { reason: 'other' }, logprobs: members },
        [],
        sources,
        this.#context.losses,
      )
      candidates.push(merged(last, own.candidates[candidates.length] ?? {}))
    }
    const text = this.#chunk(
      candidates,
      own.members,
      this.#usage === null ? undefined : usageMetadata(this.#usage, this.#tier),
    )
    return this.#array ? `${text}]` : text
  }

  #chunk(candidates: readonly JsonObject[], own?: JsonObject, usage?: JsonObject): string {
    const text = writeJson({
      candidates,
      ...(usage !== undefined && { usageMetadata: usage }),
      ...this.#members,
      ...own,
    })
    const before = this.#began ? ',\r\n' : '['
    this.#began = true
    return this.#array ? before + text : `data: ${text}\r\n\r\n`
  }
}
