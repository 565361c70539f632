import { FieldProblem } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import { textOfSource } from '../../ir/media-text.ts'
import type { DocumentPart, MediaSource, ToolResultPart, UserPart } from '../../ir/parts.ts'
import type { AssistantMessage, Message, ModelRequest } from '../../ir/request.ts'
import { argumentsObject } from '../call-arguments.ts'
import type { EncodeContext } from '../dialect.ts'
import { documentText } from '../document-text.ts'
import { LeftOut } from '../left-out.ts'

/** The conversation in the server's own form: one text a message, and images as a list beside it. */
export function encodeMessages(request: ModelRequest, { losses }: EncodeContext): readonly JsonObject[] {
  const names = new Map<string, string>()
  const leftOut = new LeftOut(request, losses)
  const messages = request.messages.flatMap((message) => {
    const encoded = encodeMessage(message, names, losses)
    leftOut.takes(message, encoded.length)
    return encoded
  })
  leftOut.check()
  // Without a message the server loads its model, and answers nothing.
  if (messages.length === 0 && !losses.provisional)
    throw new FieldProblem('messages', 'expected at least one message with text')
  return messages
}

function encodeMessage(message: Message, names: Map<string, string>, losses: Losses): readonly JsonObject[] {
  switch (message.role) {
    case 'system':
    case 'user': {
      const said = spoken(message.parts, losses)
      return said === null ? [] : [{ role: message.role, ...said }]
    }
    case 'assistant':
      return assistant(message, names, losses)
    case 'tool':
      return message.parts.map((part) => result(part, names, losses))
  }
}

function spoken(parts: readonly UserPart[], losses: Losses): JsonObject | null {
  const texts: string[] = []
  const images: string[] = []
  for (const part of parts) {
    switch (part.type) {
      case 'text':
        texts.push(part.text)
        break
      case 'image':
        addImage(part.source, images, losses)
        break
      case 'document':
        addDocument(part, texts, losses)
        break
      case 'audio':
      case 'video':
      case 'opaque':
        break
    }
  }
  const content = texts.join('\n')
  if (content === '' && images.length === 0) return null
  return { content, ...(images.length > 0 && { images }) }
}

/** Only text can be a document here. */
function addDocument(part: DocumentPart, texts: string[], losses: Losses): void {
  const text = textOfSource(part.source)
  if (text === null) losses.drop('messages[].document')
  else {
    losses.adapt('messages[].document')
    texts.push(documentText(part, text))
  }
}

/** The server fetches nothing: only the bytes themselves can be sent. */
function addImage(source: MediaSource, images: string[], losses: Losses): void {
  if (source.kind === 'data') images.push(source.base64)
  else losses.drop('messages[].image.source')
}

function assistant(message: AssistantMessage, names: Map<string, string>, losses: Losses): readonly JsonObject[] {
  let content = ''
  let thinking = ''
  const calls: JsonObject[] = []
  for (const part of message.parts) {
    switch (part.type) {
      case 'text':
        content += part.text
        break
      case 'refusal':
        losses.adapt('messages[].refusal')
        content += part.text
        break
      case 'reasoning':
        thinking += part.text
        break
      case 'tool-call':
        names.set(part.id, part.name)
        calls.push({
          id: part.id,
          function: {
            index: calls.length,
            name: part.name,
            arguments: argumentsObject(part.arguments, losses, 'messages[].tool_call.arguments'),
          },
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
  if (content === '' && thinking === '' && calls.length === 0) return []
  return [
    {
      role: 'assistant',
      content,
      ...(thinking !== '' && { thinking }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
  ]
}

/** Results are known by the tool's name; newer servers read the call's id as well. */
function result(part: ToolResultPart, names: ReadonlyMap<string, string>, losses: Losses): JsonObject {
  if (part.isError) losses.adapt('messages[].tool_result.is_error')
  const said = spoken(part.content, losses)
  const text = typeof said?.['content'] === 'string' ? said['content'] : ''
  return {
    role: 'tool',
    ...said,
    content: part.isError ? `Error: ${text}` : text,
    tool_name: part.name ?? names.get(part.callId) ?? part.callId,
    tool_call_id: part.callId,
  }
}
