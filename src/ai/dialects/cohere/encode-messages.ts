import { type JsonObject, RawJson } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import { textOfSource } from '../../ir/media-text.ts'
import type { DocumentPart, ToolResultPart, UserPart } from '../../ir/parts.ts'
import type { AssistantMessage, Message, ModelRequest } from '../../ir/request.ts'
import type { EncodeContext } from '../dialect.ts'
import { documentText } from '../document-text.ts'
import { LeftOut } from '../left-out.ts'

/** The conversation in the vendor's roles: system, user, assistant, tool. */
export function encodeMessages(request: ModelRequest, { losses }: EncodeContext): readonly JsonObject[] {
  const leftOut = new LeftOut(request, losses)
  const messages = request.messages.flatMap((message) => {
    const encoded = encodeMessage(message, losses)
    leftOut.takes(message, encoded.length)
    return encoded
  })
  leftOut.check()
  return messages
}

function encodeMessage(message: Message, losses: Losses): readonly JsonObject[] {
  switch (message.role) {
    case 'system': {
      const text = message.parts.map((part) => part.text).join('\n')
      return text === '' ? [] : [{ role: 'system', content: text }]
    }
    case 'user': {
      const parts = message.parts.map((part) => userPart(part, losses)).filter((part) => part !== null)
      const [only] = parts
      if (only === undefined) return []
      const content = parts.length === 1 && only['type'] === 'text' ? only['text'] : parts
      return [{ role: 'user', content }]
    }
    case 'assistant':
      return assistant(message, losses)
    case 'tool':
      return message.parts.map((part) => result(part, losses))
  }
}

function userPart(part: UserPart, losses: Losses): JsonObject | null {
  switch (part.type) {
    case 'text':
      return part.text === '' ? null : { type: 'text', text: part.text }
    case 'image': {
      const { source, detail } = part
      const url =
        source.kind === 'data'
          ? `data:${source.mediaType};base64,${source.base64}`
          : source.kind === 'url'
            ? source.url
            : null
      if (url === null) {
        losses.drop('messages[].image.source')
        return null
      }
      if (detail === 'original') losses.adapt('messages[].image.detail')
      const known = detail === 'original' ? 'high' : detail
      return { type: 'image_url', image_url: { url, ...(known !== undefined && { detail: known }) } }
    }
    case 'document':
      return document(part, losses)
    case 'audio':
    case 'video':
    case 'opaque':
      return null
  }
}

/** Only text can be a document here. */
function document(part: DocumentPart, losses: Losses): JsonObject | null {
  const text = textOfSource(part.source)
  if (text === null) {
    losses.drop('messages[].document')
    return null
  }
  losses.adapt('messages[].document')
  return { type: 'text', text: documentText(part, text) }
}

/** Text before calls is the model's plan; behind them nothing may stand. */
function assistant(message: AssistantMessage, losses: Losses): readonly JsonObject[] {
  const content: JsonObject[] = []
  const calls: JsonObject[] = []
  const hasCalls = message.parts.some((part) => part.type === 'tool-call')
  let plan = ''
  for (const part of message.parts) {
    switch (part.type) {
      case 'text':
        if (hasCalls) plan += part.text
        else if (part.text !== '') content.push({ type: 'text', text: part.text })
        break
      case 'reasoning':
        if (part.text !== '') content.push({ type: 'thinking', thinking: part.text })
        break
      case 'refusal':
        losses.adapt('messages[].refusal')
        if (part.text !== '') content.push({ type: 'text', text: part.text })
        break
      case 'tool-call':
        calls.push({
          id: part.id,
          type: 'function',
          // Arguments are text here; empty ones are an object without members.
          function: { name: part.name, arguments: part.arguments === '' ? '{}' : part.arguments },
        })
        break
      case 'image':
      case 'audio':
        losses.drop(`messages[].${part.type}`)
        break
      case 'opaque':
        break
    }
  }
  if (content.length === 0 && calls.length === 0) return []
  return [
    {
      role: 'assistant',
      ...(content.length > 0 && { content: plainly(content) }),
      ...(plan !== '' && { tool_plan: plan }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
  ]
}

function plainly(content: readonly JsonObject[]): unknown {
  const [only] = content
  return content.length === 1 && only?.['type'] === 'text' ? only['text'] : content
}

/** A result is a document, so that the answer can cite it. */
function result(part: ToolResultPart, losses: Losses): JsonObject {
  if (part.isError) losses.adapt('messages[].tool_result.is_error')
  const texts: string[] = []
  for (const item of part.content) {
    const text = item.type === 'text' ? item.text : textOfSource(item.source)
    if (text !== null) texts.push(item.type === 'document' ? documentText(item, text) : text)
    else losses.drop(`messages[].tool_result.${item.type}`)
  }
  const member = part.isError ? 'error' : 'data'
  const data = new RawJson(JSON.stringify({ [member]: texts.join('\n') }))
  return {
    role: 'tool',
    tool_call_id: part.callId,
    content: [{ type: 'document', document: { data } }],
  }
}
