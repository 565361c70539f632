import { FieldProblem, type Fields, fieldsOf } from '../../ir/fields.ts'
import { Growth } from '../../ir/growth.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { ToolResultPart, UserPart } from '../../ir/parts.ts'
import type { Message, ModelRequest } from '../../ir/request.ts'
import type { RequestContext } from '../dialect.ts'
import { decodeAssistant, decodeParts, decodeText } from './assistant.ts'
import { readCache } from './cache.ts'
import { decodeParameters } from './decode-parameters.ts'
import { FAILED } from './encode-messages.ts'
import { withInner } from './extra.ts'
import { audioType, sourceOfUrl } from './media.ts'
import { decodeToolChoice, decodeTools } from './tools.ts'

/** A client's request. Throws a FieldProblem for what is wrong in this dialect. */
export function decodeRequest(body: JsonObject, context: RequestContext): ModelRequest {
  const fields = fieldsOf(body, '')
  const model = context.model ?? fields.text('model')
  fields.value('model')
  const stream = fields.boolean('stream') ?? false
  const items = fields.items('messages')
  if (items === undefined || items.length === 0) throw fields.problem('messages', 'at least one message')
  const legacyFunctions = fields.has('functions') && !fields.has('tools') ? true : undefined
  const request: ModelRequest = {
    dialect: 'openai-chat',
    model,
    messages: decodeMessages(items, context.losses),
    tools: decodeTools(fields),
    toolChoice: decodeToolChoice(fields),
    parameters: decodeParameters(fields, context.losses),
    stream,
    legacyFunctions,
  }
  const extra = fields.rest()
  return extra === undefined ? request : { ...request, extra }
}

const DETAILS = ['auto', 'low', 'high', 'original'] as const

function decodeMessages(items: readonly Fields[], losses: Losses): Message[] {
  const messages: Message[] = []
  const growth = new Growth()
  // The older form gives calls no id: a result answers the last call of its function.
  let legacyCalls = 0
  for (const [at, message] of items.entries()) {
    const role = message.text('role')
    switch (role) {
      case 'system':
      case 'developer': {
        const parts = decodeParts(message, decodeText)
        messages.push({ role: 'system', authority: role, parts, name: message.string('name'), extra: message.rest() })
        break
      }
      case 'user': {
        if (!message.has('content')) throw message.problem('content', 'a string or an array')
        const parts: UserPart[] = decodeParts(message, decodeUserPart)
        messages.push({ role, parts, name: message.string('name'), extra: message.rest() })
        break
      }
      case 'assistant': {
        const parts = decodeAssistant(message, (call) => {
          if (call.path.endsWith('function_call')) return legacyId(++legacyCalls)
          throw call.problem('id', 'a string')
        })
        const whole = parts.map((part) =>
          part.type === 'tool-call' && part.custom !== true && part.arguments === ''
            ? { ...part, arguments: '{}' }
            : part,
        )
        messages.push({ role, parts: whole, name: message.string('name'), extra: message.rest() })
        break
      }
      case 'tool':
      case 'function': {
        const callId = role === 'tool' ? message.text('tool_call_id') : legacyId(legacyCalls)
        const part = decodeResult(message, callId, losses)
        const before = messages.at(-1)
        // Results of one turn are one message of the neutral form.
        if (before?.role === 'tool') {
          messages[messages.length - 1] = { ...before, parts: growth.list(before.parts, [part]) }
        } else messages.push({ role: 'tool', parts: [part] })
        break
      }
      default:
        throw new FieldProblem(
          `messages[${at}].role`,
          'expected one of "system", "developer", "user", "assistant", "tool"',
        )
    }
  }
  return messages
}

function legacyId(call: number): string {
  return `call_function_${call}`
}

function decodeResult(message: Fields, callId: string, losses: Losses): ToolResultPart {
  const name = message.string('name')
  const content: ToolResultPart['content'][number][] = []
  for (const part of decodeParts(message, decodeUserPart)) {
    if (part.type === 'text' || part.type === 'image' || part.type === 'document') content.push(part)
    else losses.drop(`messages[].tool_result.${part.type === 'opaque' ? part.name : part.type}`)
  }
  const [first] = content
  const isError = first?.type === 'text' && first.text.startsWith(FAILED)
  if (isError) content[0] = { ...first, text: first.text.slice(FAILED.length) }
  return { type: 'tool-result', callId, name, content, isError, extra: message.rest() }
}

/** One part of a user's message. A type that nobody knows goes on to an upstream of this dialect only. */
function decodeUserPart(object: JsonObject, part: Fields): UserPart {
  const type = part.text('type')
  switch (type) {
    case 'text':
      return decodeText(object, part)
    case 'image_url': {
      const cache = readCache(object, part)
      if (typeof object['image_url'] === 'string') {
        part.value('image_url')
        return { type: 'image', source: sourceOfUrl(object['image_url']), cache, extra: part.rest() }
      }
      const image = inner(part, 'image_url')
      const source = sourceOfUrl(image.text('url'))
      const detail = image.oneOf('detail', DETAILS)
      return { type: 'image', source, detail, cache, extra: withInner(part.rest(), 'image_url', image.rest()) }
    }
    case 'input_audio': {
      const audio = inner(part, 'input_audio')
      const source = { kind: 'data', mediaType: audioType(audio.text('format')), base64: audio.text('data') } as const
      return { type: 'audio', source, extra: withInner(part.rest(), 'input_audio', audio.rest()) }
    }
    case 'file':
      return decodeFile(object, part)
    case 'video_url':
    case 'audio_url': {
      const media = inner(part, type)
      const source = sourceOfUrl(media.text('url'))
      const extra = withInner(part.rest(), type, media.rest())
      return { type: type === 'video_url' ? 'video' : 'audio', source, extra }
    }
    default:
      return { type: 'opaque', dialect: 'openai-chat', name: type, value: part.keep() }
  }
}

function decodeFile(object: JsonObject, part: Fields): UserPart {
  const cache = readCache(object, part)
  const file = inner(part, 'file')
  const name = file.string('filename')
  const [id, data] = [file.string('file_id'), file.string('file_data')]
  if (id === undefined && data === undefined) throw file.problem('file_data', 'a string, or a file_id')
  // Bytes without the head of a data URL are taken for what the dialect's files are.
  const bare = data !== undefined && !data.startsWith('data:') && !data.startsWith('http')
  const source =
    data === undefined
      ? ({ kind: 'file', id: id ?? '' } as const)
      : bare
        ? ({ kind: 'data', mediaType: 'application/pdf', base64: data } as const)
        : sourceOfUrl(data)
  return { type: 'document', source, name, cache, extra: withInner(part.rest(), 'file', file.rest()) }
}

function inner(part: Fields, name: string): Fields {
  const fields = part.fields(name)
  if (fields === undefined) throw part.problem(name, 'an object')
  return fields
}
