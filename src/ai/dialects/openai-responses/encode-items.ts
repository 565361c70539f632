import type { JsonObject } from '../../ir/json.ts'
import type { AssistantPart, ReasoningPart, RefusalPart, TextPart, ToolCallPart } from '../../ir/parts.ts'
import type { AssistantMessage, Message, ModelRequest, ToolMessage, UserMessage } from '../../ir/request.ts'
import { LeftOut } from '../left-out.ts'
import { FAILED, reportPrefill } from '../openai-chat/encode-messages.ts'
import { ownExtra } from '../openai-chat/extra.ts'
import { CONTENT } from './decode-parts.ts'
import { contentOf, encodeResultOutput, encodeText, encodeUserPart } from './encode-parts.ts'
import { isMadeHere } from './item-ids.ts'
import type { Spelling } from './spelling.ts'

/** The items of a request, in order. */
export function encodeItems(request: ModelRequest, spelling: Spelling): JsonObject[] {
  const leftOut = new LeftOut(request, spelling.losses)
  const out: JsonObject[] = []
  const custom = new Set<string>()
  const add = (message: Message, items: readonly JsonObject[]) => {
    if (!leftOut.takes(message, items.length)) out.push(...items)
  }
  for (const message of request.messages) {
    switch (message.role) {
      case 'system': {
        const content = contentOf(message.parts.map((part) => encodeText(part, spelling)))
        out.push({ ...extraOf(message, spelling), type: 'message', role: message.authority, content })
        break
      }
      case 'user':
        add(message, encodeUser(message, spelling))
        break
      case 'assistant':
        add(message, new AssistantItems(message, spelling, custom).items)
        break
      case 'tool':
        out.push(...encodeResults(message, spelling, custom))
    }
  }
  leftOut.check()
  reportPrefill(request, spelling)
  return out
}

function extraOf(message: Message, { own, losses }: Spelling): JsonObject | undefined {
  return ownExtra(own, message.extra, 'messages[]', losses)
}

function encodeUser(message: UserMessage, spelling: Spelling): JsonObject[] {
  const items: JsonObject[] = []
  const content: JsonObject[] = []
  for (const part of message.parts) {
    // Items that are no messages, e.g. what a computer showed.
    if (part.type === 'opaque' && part.dialect === 'openai-responses' && !part.name.startsWith(CONTENT)) {
      items.push(part.value)
      continue
    }
    const encoded = encodeUserPart(part, spelling)
    if (encoded !== null) content.push(encoded)
  }
  if (content.length === 0 && (items.length > 0 || message.parts.length > 0)) return items
  return [...items, { ...extraOf(message, spelling), type: 'message', role: 'user', content: contentOf(content) }]
}

function encodeResults(message: ToolMessage, spelling: Spelling, custom: ReadonlySet<string>): JsonObject[] {
  // The dialect has no item for the message itself.
  spelling.losses.dropAll('messages[]', message.extra)
  return message.parts.map((part) => ({
    ...ownExtra(spelling.own, part.extra, 'messages[].tool_result', spelling.losses),
    type: part.custom === true || custom.has(part.callId) ? 'custom_tool_call_output' : 'function_call_output',
    call_id: part.callId,
    output: encodeResultOutput(part, spelling, FAILED),
  }))
}

/** What the model made in one turn, as items: a message for texts that stand together, one item for each call. */
class AssistantItems {
  readonly items: JsonObject[] = []
  readonly #spelling: Spelling
  readonly #custom: Set<string>
  #said: (TextPart | RefusalPart)[] = []
  #thoughts: ReasoningPart[] = []

  constructor(message: AssistantMessage, spelling: Spelling, custom: Set<string>) {
    this.#spelling = spelling
    this.#custom = custom
    spelling.losses.dropAll('messages[]', message.extra)
    for (const part of message.parts) this.#add(part)
    this.#endThought()
    this.#endMessage()
  }

  #add(part: AssistantPart): void {
    const { losses } = this.#spelling
    if (part.type !== 'reasoning') this.#endThought()
    if (part.type !== 'text' && part.type !== 'refusal') this.#endMessage()
    switch (part.type) {
      case 'text':
      case 'refusal': {
        const before = this.#said.at(-1)
        if (before !== undefined && before.itemId !== part.itemId) this.#endMessage()
        this.#said.push(part)
        return
      }
      case 'reasoning': {
        const before = this.#thoughts.at(-1)
        const next = before !== undefined && (before.sealed !== undefined || !sameItem(before, part))
        if (next) this.#endThought()
        this.#thoughts.push(part)
        return
      }
      case 'tool-call':
        this.items.push(this.#call(part))
        return
      case 'image':
      case 'audio':
        losses.drop(`messages[].${part.type}`)
        return
      case 'opaque':
        if (part.dialect === 'openai-responses' && !part.name.startsWith(CONTENT)) this.items.push(part.value)
        else losses.drop(`messages[].${part.name}`)
    }
  }

  #endMessage(): void {
    const [first] = this.#said
    if (first === undefined) return
    const { own, losses } = this.#spelling
    let phase: unknown
    const content = this.#said.map((part): JsonObject => {
      if (part.type === 'refusal') return { type: 'refusal', refusal: part.text }
      const { phase: said, ...extra } = ownExtra(own, part.extra, 'messages[].text', losses) ?? {}
      phase ??= said
      if (part.cache !== undefined) losses.drop('messages[].text.cache_control')
      const annotations = (part.citations ?? []).flatMap(({ raw }) =>
        raw?.dialect === 'openai-responses' ? [raw.value] : [],
      )
      if (part.citations !== undefined && annotations.length < part.citations.length) {
        losses.drop('messages[].text.citations')
      }
      return { ...extra, type: 'output_text', text: part.text, annotations }
    })
    this.#said = []
    // Named messages have all members of an answer's; the vendor takes the others as it takes a user's.
    const itemId = vendorsId(first.itemId)
    const named = itemId?.startsWith('msg') === true ? { id: itemId, status: 'completed' } : {}
    this.items.push({
      type: 'message',
      role: 'assistant',
      ...named,
      content,
      ...(phase === undefined ? {} : { phase }),
    })
  }

  #endThought(): void {
    const thoughts = this.#thoughts
    const last = thoughts.at(-1)
    if (last === undefined) return
    this.#thoughts = []
    const { own, vendor, losses } = this.#spelling
    // The vendor keeps thoughts by their ids, or reads them from their seals; bare text is nothing to it.
    const bare = last.sealed === undefined
    // A client of the dialect may name one that the vendor keeps, and say nothing else of it.
    const itemId = vendorsId(last.itemId)
    const named = own && itemId !== undefined
    if (bare && vendor && !named) return losses.drop('messages[].reasoning')
    const summary: JsonObject[] = []
    const content: JsonObject[] = []
    for (const { text, summary: isSummary } of thoughts) {
      if (text === '') continue
      // Of its sealed thoughts the vendor shows summaries only, which other dialects do not tell from thoughts.
      if (isSummary === true || (vendor && !own)) summary.push({ type: 'summary_text', text })
      else content.push({ type: 'reasoning_text', text })
    }
    this.items.push({
      ...ownExtra(own, last.extra, 'messages[].reasoning', losses),
      type: 'reasoning',
      ...(itemId === undefined ? {} : { id: itemId }),
      summary,
      ...(content.length === 0 ? {} : { content }),
      ...(last.sealed === undefined ? {} : { encrypted_content: last.sealed.value }),
    })
  }

  #call(part: ToolCallPart): JsonObject {
    const { own, losses } = this.#spelling
    const extra = ownExtra(own, part.extra, 'messages[].tool_call', losses)
    const itemId = vendorsId(part.itemId)
    const named = itemId === undefined ? {} : { id: itemId }
    const { name: group, tool = part.name } = part.namespace ?? {}
    const space = group === undefined ? {} : { namespace: group }
    const common = { ...named, call_id: part.id, name: tool, ...space }
    if (part.custom === true) {
      this.#custom.add(part.id)
      return { ...extra, type: 'custom_tool_call', ...common, input: part.arguments }
    }
    const text = part.arguments === '' ? '{}' : part.arguments
    return { ...extra, type: 'function_call', ...common, arguments: text }
  }
}

function vendorsId(id: string | undefined): string | undefined {
  return id === undefined || isMadeHere(id) ? undefined : id
}

/** Thoughts of one item have its name; one that lost it on the way belongs to the seal that follows. */
function sameItem(before: ReasoningPart, part: ReasoningPart): boolean {
  return before.itemId === part.itemId || (before.itemId === undefined && part.sealed !== undefined)
}
