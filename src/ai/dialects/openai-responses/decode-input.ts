import { FieldProblem, type Fields, fieldsOf } from '../../ir/fields.ts'
import { Growth } from '../../ir/growth.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart, ToolCallPart, ToolResultPart, UserPart } from '../../ir/parts.ts'
import type { Message } from '../../ir/request.ts'
import { FAILED } from '../openai-chat/encode-messages.ts'
import { logprobsOf } from './decode-answer.ts'
import { OutputReader } from './decode-output.ts'
import { decodeContent, decodeResultContent, decodeText, decodeUserPart } from './decode-parts.ts'
import type { FlatNames } from './flat-names.ts'

/** Items of the client that are no messages: they stand where the user's turn is. */
const CLIENT_ITEMS: ReadonlySet<string> = new Set([
  'mcp_approval_response',
  'additional_tools',
  'configuration_update',
  'compaction_trigger',
])

/**
 * The conversation: a text, or items. What the model made between two turns of the client's is one message, as are results of
 * tools that stand together.
 */
export function decodeInput(body: Fields, names: FlatNames, losses: Losses): Message[] {
  const input = body.value('input')
  if (typeof input === 'string') return [{ role: 'user', parts: input === '' ? [] : [{ type: 'text', text: input }] }]
  const items = body.array('input')
  if (items === undefined || items.length === 0) throw body.problem('input', 'a string, or an array of items')
  const reader = new InputReader(names, losses)
  for (const [at, value] of items.entries()) {
    const item = fieldsOf(value, `${body.at('input')}[${at}]`)
    reader.read(isObject(value) ? value : {}, item)
  }
  return reader.messages
}

class InputReader {
  readonly messages: Message[] = []
  readonly #names: FlatNames
  readonly #losses: Losses
  readonly #growth = new Growth()
  /** The last user's turn in which nothing but items stands. */
  #opaque: Message | null = null
  readonly #output = new OutputReader((item) => {
    throw item.problem('call_id', 'a string')
  })

  constructor(names: FlatNames, losses: Losses) {
    this.#names = names
    this.#losses = losses
  }

  read(object: JsonObject, item: Fields): void {
    const type = item.string('type') ?? (item.has('role') ? 'message' : undefined)
    switch (type) {
      case undefined:
        throw item.problem('type', 'a string')
      case 'message':
        return this.#message(object, item)
      case 'function_call_output':
        return this.#result(item, false)
      case 'custom_tool_call_output':
        return this.#result(item, true)
      case 'item_reference': {
        const text = 'items that are kept elsewhere cannot be looked up here: send the item itself'
        throw new FieldProblem(item.at('id'), text)
      }
      default:
        if (!type.endsWith('_output') && !CLIENT_ITEMS.has(type)) return this.#said(this.#output.read(object, item))
        return this.#asked({ type: 'opaque', dialect: 'openai-responses', name: type, value: item.keep() })
    }
  }

  #message(object: JsonObject, item: Fields): void {
    const role = item.text('role')
    switch (role) {
      case 'assistant':
        if (logprobsOf([object]).length > 0) this.#losses.drop('input[].content[].logprobs')
        return this.#said(this.#output.read(object, item))
      case 'user': {
        const parts: UserPart[] = decodeContent(item, 'content', decodeUserPart)
        const message: Message = { role, parts, extra: restOf(item) }
        if (parts.every((part) => part.type === 'opaque')) this.#opaque = message
        this.messages.push(message)
        return
      }
      case 'system':
      case 'developer': {
        const parts = decodeContent(item, 'content', decodeText)
        this.messages.push({ role: 'system', authority: role, parts, extra: restOf(item) })
        return
      }
      default:
        throw item.problem('role', 'one of "user", "assistant", "system", "developer"')
    }
  }

  #said(parts: readonly AssistantPart[]): void {
    const whole = parts.map((part) => {
      if (part.type !== 'tool-call') return part
      const call = this.#joined(part)
      return call.custom !== true && call.arguments === '' ? { ...call, arguments: '{}' } : call
    })
    const before = this.messages.at(-1)
    if (before?.role === 'assistant') {
      this.messages[this.messages.length - 1] = { ...before, parts: this.#growth.list(before.parts, whole) }
    } else if (whole.length > 0) this.messages.push({ role: 'assistant', parts: whole })
  }

  /** A call of a tool that stands in a namespace, by the tool's name among all. */
  #joined(part: ToolCallPart): ToolCallPart {
    const { namespace, ...rest } = part.extra ?? {}
    if (typeof namespace !== 'string' || namespace === '') return part
    const extra = Object.keys(rest).length === 0 ? undefined : rest
    const name = this.#names.of(namespace, part.name)
    return { ...part, name, namespace: { name: namespace, tool: part.name }, extra }
  }

  #asked(part: UserPart): void {
    const before = this.messages.at(-1)
    if (before?.role === 'user' && before === this.#opaque) {
      this.#opaque = { ...before, parts: this.#growth.list(before.parts, [part]) }
      this.messages[this.messages.length - 1] = this.#opaque
      return
    }
    this.#opaque = { role: 'user', parts: [part] }
    this.messages.push(this.#opaque)
  }

  #result(item: Fields, custom: boolean): void {
    const callId = item.text('call_id')
    const content = [...decodeResultContent(item, this.#losses)]
    const [first] = content
    const isError = first?.type === 'text' && first.text.startsWith(FAILED)
    if (isError) content[0] = { ...first, text: first.text.slice(FAILED.length) }
    const part: ToolResultPart = {
      type: 'tool-result',
      callId,
      name: item.string('name'),
      content,
      isError,
      ...(custom ? { custom } : {}),
      extra: restOf(item),
    }
    const before = this.messages.at(-1)
    if (before?.role === 'tool') {
      this.messages[this.messages.length - 1] = { ...before, parts: this.#growth.list(before.parts, [part]) }
    } else this.messages.push({ role: 'tool', parts: [part] })
  }
}

/** Ids and states of a client's items name them, and say nothing to a model. */
function restOf(item: Fields): JsonObject | undefined {
  for (const name of ['type', 'id', 'status', 'created_by']) item.value(name)
  return item.rest()
}
