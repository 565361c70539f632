import type { JsonObject } from '../../ir/json.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import type { Message } from '../../ir/request.ts'

/** Contents of the model that follow each other are one message, which is put together once, when it is over. */
export class ModelTurn {
  #first: readonly AssistantPart[] | null = null
  #more: AssistantPart[] = []
  #extra: JsonObject | undefined

  add(said: readonly AssistantPart[], extra: JsonObject | undefined): void {
    this.#extra = extra ?? this.#extra
    if (this.#first === null) this.#first = said
    else for (const part of said) this.#more.push(part)
  }

  /** Another one speaks, or nobody. */
  end(messages: Message[]): void {
    const [first, more, extra] = [this.#first, this.#more, this.#extra]
    if (first === null) return
    const parts = more.length === 0 ? first : joined(first, more)
    messages.push({ role: 'assistant', parts, ...(extra !== undefined && { extra }) })
    this.#first = null
    this.#more = []
    this.#extra = undefined
  }
}

/**
 * One answer that was streamed and comes back as a content for each chunk, as the vendor's own clients do it: pieces of one
 * text are one text again, and the empty ones that only ended a stream are gone.
 */
export function joined(before: readonly AssistantPart[], more: readonly AssistantPart[]): AssistantPart[] {
  const parts = before.filter(says)
  for (const part of more) {
    if (!says(part)) continue
    const last = parts.at(-1)
    const whole = last === undefined ? null : join(last, part)
    if (whole === null) parts.push(part)
    else parts[parts.length - 1] = whole
  }
  return parts.length > 0 ? parts : [...before]
}

function says(part: AssistantPart): boolean {
  return part.type !== 'text' || part.text !== '' || part.signature !== undefined
}

/** What is sealed, or has members of its own, is not continued. */
function join(last: AssistantPart, part: AssistantPart): AssistantPart | null {
  if (last.type === 'text' && part.type === 'text') {
    if (last.signature !== undefined || last.extra !== undefined || part.extra !== undefined) return null
    return { ...part, text: last.text + part.text }
  }
  if (last.type !== 'reasoning' || part.type !== 'reasoning') return null
  if (last.signature !== undefined || last.extra !== undefined || part.extra !== undefined) return null
  return { ...part, text: last.text + part.text }
}
