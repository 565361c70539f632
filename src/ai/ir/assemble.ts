import type { AnswerFault, Choice, ModelAnswer, Stop, StreamEvent, TokenUsage } from './answer.ts'
import { Growth } from './growth.ts'
import type { JsonObject } from './json.ts'
import type { AssistantPart, Citation } from './parts.ts'
import type { DialectName } from './request.ts'

interface Growing {
  readonly parts: Map<number, AssistantPart>
  stop: Stop | null
  logprobs: unknown[]
}

/** Puts the events of one stream together to the answer that it would have been without streaming. */
export class AnswerAssembler {
  readonly #dialect: DialectName
  readonly #choices = new Map<number, Growing>()
  #start: Extract<StreamEvent, { type: 'start' }> | null = null
  #usage: TokenUsage | undefined
  #serviceTier: string | undefined
  #fault: AnswerFault | null = null
  #extra: JsonObject | undefined
  #ended = false

  constructor(dialect: DialectName) {
    this.#dialect = dialect
  }

  push(event: StreamEvent): void {
    switch (event.type) {
      case 'start':
        this.#start = event
        return
      case 'part-start':
        this.#choice(event.choice).parts.set(event.index, event.part)
        return
      case 'part-delta':
        return this.#change(event.choice, event.index, (part) => withText(part, event.text))
      case 'part-note':
        return this.#change(event.choice, event.index, (part) => withNote(part, event))
      case 'part-end':
        return
      case 'logprobs': {
        const content = event.logprobs['content']
        if (Array.isArray(content)) this.#choice(event.choice).logprobs.push(...content)
        return
      }
      case 'stop':
        this.#choice(event.choice).stop = event.stop
        return
      case 'usage':
        this.#usage = event.usage
        this.#serviceTier = event.serviceTier ?? this.#serviceTier
        return
      case 'fault':
        this.#fault = event.fault
        return
      case 'end':
        this.#extra = event.extra
        this.#ended = true
    }
  }

  /** The answer, what went wrong with it, or null when the stream is not over. */
  answer(): ModelAnswer | AnswerFault | null {
    if (this.#fault !== null) return this.#fault
    if (!this.#ended) return null
    const start = this.#start
    return {
      dialect: this.#dialect,
      id: start?.id,
      model: start?.model,
      createdAt: start?.createdAt,
      serviceTier: this.#serviceTier ?? start?.serviceTier,
      usage: this.#usage,
      extra: this.#extra,
      choices: [...this.#choices].sort(([a], [b]) => a - b).map(([index, growing]) => finished(index, growing)),
    }
  }

  #choice(index: number): Growing {
    let choice = this.#choices.get(index)
    if (choice === undefined) {
      choice = { parts: new Map(), stop: null, logprobs: [] }
      this.#choices.set(index, choice)
    }
    return choice
  }

  #change(choice: number, index: number, edit: (part: AssistantPart) => AssistantPart): void {
    const { parts } = this.#choice(choice)
    const part = parts.get(index)
    if (part !== undefined) parts.set(index, edit(part))
  }
}

/** A part with more of its text. */
export function withText(part: AssistantPart, text: string): AssistantPart {
  switch (part.type) {
    case 'text':
    case 'reasoning':
    case 'refusal':
      return { ...part, text: part.text + text }
    case 'tool-call':
      return { ...part, arguments: part.arguments + text }
    case 'audio':
      return { ...part, transcript: (part.transcript ?? '') + text }
    case 'image':
    case 'opaque':
      return part
  }
}

/** Of the citations of parts that are still told: whoever keeps a part has a list of its own. */
const growth = new Growth()

/** A part with what became known of it later. */
export function withNote(part: AssistantPart, note: Extract<StreamEvent, { type: 'part-note' }>): AssistantPart {
  switch (part.type) {
    case 'text': {
      const citations: readonly Citation[] | undefined =
        note.citation === undefined ? part.citations : growth.list(part.citations ?? [], [note.citation])
      return { ...part, citations, signature: note.signature ?? part.signature }
    }
    case 'reasoning':
      return { ...part, signature: note.signature ?? part.signature, sealed: note.sealed ?? part.sealed }
    case 'tool-call':
      return { ...part, signature: note.signature ?? part.signature }
    default:
      return part
  }
}

function finished(index: number, { parts, stop, logprobs }: Growing): Choice {
  const ordered = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part)
  const members: JsonObject | undefined = logprobs.length === 0 ? undefined : { content: logprobs }
  return { index, parts: ordered, stop: stop ?? { reason: 'other' }, logprobs: members }
}
