import type { JsonObject } from '../../ir/json.ts'
import type { TextPart, ToolResultPart } from '../../ir/parts.ts'
import type { Message, ModelRequest, SystemMessage, UserMessage } from '../../ir/request.ts'
import { LeftOut } from '../left-out.ts'
import { encodeAssistantMessage } from './encode-assistant.ts'
import { encodeMedia, encodeTexts } from './encode-parts.ts'
import { ownExtra } from './extra.ts'
import type { Spelling } from './spelling.ts'

/** Stands before the result of a call that failed: the dialect has no member for that. Its decoder takes it off again. */
export const FAILED = '[error] '

/** The messages of a request, in order. */
export function encodeMessages(request: ModelRequest, spelling: Spelling): JsonObject[] {
  const leftOut = new LeftOut(request, spelling.losses)
  const out: JsonObject[] = []
  // Pictures that tools gave: a result holds text only, and results must follow their calls without a gap.
  let shown: JsonObject[] = []
  const show = () => {
    if (shown.length > 0) out.push({ role: 'user', content: shown })
    shown = []
  }
  for (const message of request.messages) {
    if (message.role !== 'tool') show()
    let encoded: JsonObject | null = null
    switch (message.role) {
      case 'system':
        out.push(encodeSystem(message, spelling))
        break
      case 'user':
        encoded = encodeUser(message, spelling)
        break
      case 'assistant':
        encoded = encodeAssistantMessage(message, spelling)
        break
      case 'tool':
        for (const part of message.parts) out.push(encodeResult(part, shown, spelling))
        ownExtra(false, message.extra, 'messages[]', spelling.losses)
    }
    if (encoded === null) continue
    const written = encoded['content'] === '' && Object.keys(encoded).every((name) => SHELL.has(name)) ? 0 : 1
    if (!leftOut.takes(message, saysNothing(message) ? 1 : written)) out.push(encoded)
  }
  show()
  leftOut.check()
  reportPrefill(request, spelling)
  return out
}

/** An answer that the client begins for the model: this vendor's answers anew, and does not go on with it. */
export function reportPrefill(
  request: ModelRequest,
  { own, vendor, losses }: Pick<Spelling, 'own' | 'vendor' | 'losses'>,
): void {
  const last = request.messages.at(-1)
  if (own || !vendor || last?.role !== 'assistant') return
  const [begun] = last.parts.slice(-1)
  if (begun?.type !== 'text' || begun.text === '') return
  losses.drop('messages[].prefill')
}

/** Members of a message that stand around what it says. */
const SHELL: ReadonlySet<string> = new Set(['role', 'content', 'name'])

/** A client may say nothing, and means it. */
function saysNothing({ parts }: Message): boolean {
  return parts.every((part) => part.type === 'text' && part.text === '')
}

function encodeSystem(message: SystemMessage, spelling: Spelling): JsonObject {
  return {
    ...ownExtra(spelling.own, message.extra, 'messages[]', spelling.losses),
    role: message.authority === 'developer' && spelling.developerRole ? 'developer' : 'system',
    content: encodeTexts(message.parts, '\n\n', spelling),
    ...(message.name === undefined ? {} : { name: message.name }),
  }
}

function encodeUser(message: UserMessage, spelling: Spelling): JsonObject {
  const parts = message.parts.map((part) => encodeMedia(part, spelling)).filter((part) => part !== null)
  const [first] = parts
  const one = parts.length === 1 && first?.['type'] === 'text' && Object.keys(first).length === 2
  return {
    ...ownExtra(spelling.own, message.extra, 'messages[]', spelling.losses),
    role: 'user',
    content: one ? first['text'] : parts.length === 0 ? '' : parts,
    ...(message.name === undefined ? {} : { name: message.name }),
  }
}

function encodeResult(part: ToolResultPart, shown: JsonObject[], spelling: Spelling): JsonObject {
  const { losses } = spelling
  const texts: TextPart[] = []
  for (const item of part.content) {
    if (item.type === 'text') {
      texts.push(item)
      continue
    }
    const media = encodeMedia(item, spelling)
    if (media === null) continue
    if (media['type'] === 'text') {
      texts.push({ type: 'text', text: String(media['text']) })
      continue
    }
    losses.adapt(`messages[].tool_result.${item.type}`)
    shown.push({ type: 'text', text: `From the result of the tool call ${part.callId}:` }, media)
    texts.push({ type: 'text', text: `(The ${item.type} is in the next message of the user.)` })
  }
  if (part.cache !== undefined && spelling.cache === 'none') losses.drop('messages[].tool_result.cache_control')
  const last = texts.at(-1)
  if (part.cache !== undefined && spelling.cache !== 'none' && last !== undefined) {
    texts[texts.length - 1] = { ...last, cache: last.cache ?? part.cache }
  }
  const [first] = texts
  if (part.isError) {
    losses.adapt('messages[].tool_result.is_error')
    if (first === undefined) texts.push({ type: 'text', text: FAILED })
    else texts[0] = { ...first, text: FAILED + first.text }
  }
  return {
    ...ownExtra(spelling.own, part.extra, 'messages[].tool_result', losses),
    role: 'tool',
    tool_call_id: part.callId,
    content: encodeTexts(texts, '\n', spelling),
    ...(part.name === undefined || spelling.vendor ? {} : { name: part.name }),
  }
}
