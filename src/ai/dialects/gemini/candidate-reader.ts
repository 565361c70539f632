import type { StreamEvent } from '../../ir/answer.ts'
import { Fields } from '../../ir/fields.ts'
import { isObject, type JsonObject, writeJson } from '../../ir/json.ts'
import { type Losses, leftOver } from '../../ir/losses.ts'
import type { AssistantPart, ToolCallPart } from '../../ir/parts.ts'
import type { DecodeContext } from '../dialect.ts'
import { citedSources, groundingCitations } from './citations.ts'
import { decodeModelPart, signed } from './decode-parts.ts'
import { decodeLogprobs } from './logprobs.ts'
import { PartialArguments } from './partial-arguments.ts'
import { camelMembers } from './spelling.ts'
import { decodeStop, isFinished } from './stop-reasons.ts'

type Emit = (event: StreamEvent) => void

interface OpenText {
  readonly index: number
  readonly type: 'text' | 'reasoning'
  text: string
}

interface OpenCall {
  readonly index: number
  readonly args: PartialArguments
}

/** Members that are read; all others of a candidate are `extra`. */
const READ: ReadonlySet<string> = new Set([
  'content',
  'finishReason',
  'index',
  'groundingMetadata',
  'citationMetadata',
  'logprobsResult',
])

/**
 * One candidate of an answer, chunk by chunk. Texts that follow each other are one part; one that carries a signature
 * ends with it, and a signature that comes with an empty text belongs to the text before.
 */
export class CandidateReader {
  readonly choice: number
  readonly #newId: () => string
  readonly #losses: Losses
  #parts = 0
  #open: OpenText | null = null
  #call: OpenCall | null = null
  #calls = false
  #finish: string | null = null
  #grounding: JsonObject | null = null
  #cited: JsonObject | null = null
  /** The sources that are known stand behind a text. */
  #told = true
  #extra: Record<string, unknown> | null = null

  constructor(choice: number, { ids, losses }: DecodeContext) {
    this.choice = choice
    this.#newId = () => ids.next('call')
    this.#losses = losses
  }

  get finished(): boolean {
    return this.#finish !== null
  }

  /** Members that only this dialect knows. */
  get extra(): JsonObject | null {
    const { groundingChunks: _, groundingSupports: __, ...grounding } = this.#grounding ?? {}
    if (Object.keys(grounding).length === 0) return this.#extra
    return { ...this.#extra, groundingMetadata: leftOver(grounding) }
  }

  /** How many searches the answer made, as the vendor bills them for its newer models. */
  get searches(): number {
    const queries = this.#grounding?.['webSearchQueries']
    return Array.isArray(queries) ? queries.length : 0
  }

  push(candidate: JsonObject, emit: Emit): void {
    const { content, finishReason, groundingMetadata, citationMetadata, logprobsResult } = candidate
    // Read before the parts: a text that ends within them has its sources by then.
    if (isObject(groundingMetadata)) this.#grounding = { ...this.#grounding, ...groundingMetadata }
    if (isObject(citationMetadata)) this.#cited = citationMetadata
    if (isObject(groundingMetadata) || isObject(citationMetadata)) this.#told = false
    const parts = isObject(content) ? content['parts'] : undefined
    if (Array.isArray(parts)) for (const part of parts) if (isObject(part)) this.#part(camelMembers(part), emit)
    if (isObject(logprobsResult)) {
      const logprobs = decodeLogprobs(logprobsResult)
      if (logprobs !== null) emit({ type: 'logprobs', choice: this.choice, logprobs })
    }
    if (isFinished(finishReason)) this.#finish ??= finishReason
    for (const name in candidate) {
      if (READ.has(name)) continue
      this.#extra ??= {}
      this.#extra[name] = candidate[name]
    }
  }

  /** The upstream is done: what is open ends, and the candidate stops. */
  close(emit: Emit): void {
    this.#endCall(emit)
    this.#cite(emit)
    this.#endText(emit)
    if (!this.#told) this.#reportSources()
    if (this.#finish === null) return
    const stop = decodeStop(this.#finish, this.#calls ? 'calls' : 'no-calls')
    emit({ type: 'stop', choice: this.choice, stop })
  }

  #part(part: JsonObject, emit: Emit): void {
    const call = part['functionCall']
    if (isObject(call)) return this.#functionCall(part, camelMembers(call), emit)
    if (this.#call !== null) this.#endCall(emit)
    const { text } = part
    if (text === '' && part['thoughtSignature'] === undefined) return
    const decoded = decodeModelPart(new Fields(part, ''))
    if (decoded.type === 'text' || decoded.type === 'reasoning') return this.#text(decoded, emit)
    this.#endText(emit)
    const index = this.#parts++
    emit({ type: 'part-start', choice: this.choice, index, part: decoded })
    emit({ type: 'part-end', choice: this.choice, index })
  }

  #text(part: Extract<AssistantPart, { type: 'text' | 'reasoning' }>, emit: Emit): void {
    const { choice } = this
    const { signature } = part
    const sealed = part.type === 'reasoning' ? part.sealed : undefined
    if (this.#open?.type !== part.type || part.extra !== undefined) {
      this.#endText(emit)
      this.#open = { index: this.#parts++, type: part.type, text: '' }
      const { signature: _, ...unsigned } = part
      emit({ type: 'part-start', choice, index: this.#open.index, part: { ...unsigned, text: '' } })
    }
    const open = this.#open
    if (part.text !== '') {
      // Only where sources may point into it is the text needed again.
      if (part.type === 'text') open.text += part.text
      emit({ type: 'part-delta', choice, index: open.index, text: part.text })
    }
    if (signature !== undefined) emit({ type: 'part-note', choice, index: open.index, signature })
    if (signature === undefined && sealed === undefined) return
    this.#cite(emit)
    this.#endText(emit)
  }

  #functionCall(part: JsonObject, call: JsonObject, emit: Emit): void {
    this.#endText(emit)
    const { name, id, args, partialArgs, willContinue } = call
    const begins = typeof name === 'string' && name !== ''
    if (begins) {
      this.#endCall(emit)
      this.#calls = true
      const index = this.#parts++
      const begun: ToolCallPart = {
        type: 'tool-call',
        id: typeof id === 'string' && id !== '' ? id : this.#newId(),
        name,
        arguments: '',
        ...signed(new Fields(part, '')),
      }
      emit({ type: 'part-start', choice: this.choice, index, part: begun })
      if (willContinue !== true && !Array.isArray(partialArgs)) {
        // The usual way: the whole call at once.
        const text = isObject(args) ? writeJson(args) : '{}'
        emit({ type: 'part-delta', choice: this.choice, index, text })
        emit({ type: 'part-end', choice: this.choice, index })
        return
      }
      this.#call = { index, args: new PartialArguments() }
    }
    if (this.#call === null) return
    if (isObject(args)) this.#call.args.set(args)
    if (Array.isArray(partialArgs)) for (const piece of partialArgs) if (isObject(piece)) this.#call.args.add(piece)
    if (willContinue !== true) this.#endCall(emit)
  }

  #endCall(emit: Emit): void {
    if (this.#call === null) return
    const { index, args } = this.#call
    this.#call = null
    emit({ type: 'part-delta', choice: this.choice, index, text: args.text() })
    emit({ type: 'part-end', choice: this.choice, index })
  }

  #endText(emit: Emit): void {
    if (this.#open === null) return
    emit({ type: 'part-end', choice: this.choice, index: this.#open.index })
    this.#open = null
  }

  /** Sources that came when no text was open that they could stand behind. */
  #reportSources(): void {
    const { groundingChunks: chunks, groundingSupports: supports } = this.#grounding ?? {}
    if (Array.isArray(chunks) || Array.isArray(supports))
      this.#losses.drop('candidates[].groundingMetadata.groundingChunks')
    if (this.#cited !== null) this.#losses.drop('candidates[].citationMetadata')
  }

  /** Sources come last, with all of the text that they stand behind. */
  #cite(emit: Emit): void {
    if (this.#open?.type !== 'text') return
    const { index, text } = this.#open
    if (text === '' || this.#told) return
    this.#told = true
    const found = [
      ...(this.#grounding === null ? [] : groundingCitations(this.#grounding, text)),
      ...(this.#cited === null ? [] : citedSources(this.#cited, text)),
    ]
    for (const citation of found) emit({ type: 'part-note', choice: this.choice, index, citation })
  }
}
