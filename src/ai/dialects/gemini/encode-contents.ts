import { isObject, type JsonObject, RawJson } from '../../ir/json.ts'
import type { Signature, ToolResultPart } from '../../ir/parts.ts'
import type { AssistantMessage, Message, ModelRequest, SystemMessage, ToolMessage } from '../../ir/request.ts'
import type { EncodeContext } from '../dialect.ts'
import { LeftOut, OPENING } from '../left-out.ts'
import { MADE_ID } from './calls.ts'
import { encodeModelPart, encodeUserPart, extraOf, type PartContext } from './encode-parts.ts'
import { objectText } from './json-text.ts'
import { isThirdGeneration } from './model-generation.ts'
import { UNCHECKED_SIGNATURE } from './seals.ts'

interface Content {
  readonly role: 'user' | 'model'
  readonly parts: JsonObject[]
  readonly extra: JsonObject | undefined
  /** What it came from: results and the user's text behind them are one content. */
  readonly from: Message['role']
}

export interface EncodedContents {
  readonly systemInstruction: JsonObject | undefined
  readonly contents: readonly JsonObject[]
}

/** The conversation as `systemInstruction` and `contents` of alternating roles. */
export function encodeContents(request: ModelRequest, context: EncodeContext): EncodedContents {
  return new ContentsEncoder(request, context).run()
}

class ContentsEncoder {
  readonly #messages: readonly Message[]
  readonly #context: PartContext
  readonly #signsCalls: boolean
  readonly #contents: Content[] = []
  /** Calls by their id, and the how manieth each of them is. */
  readonly #calls = new Map<string, { readonly name: string; readonly at: number }>()
  readonly #leftOut: LeftOut

  constructor(request: ModelRequest, { model, capabilities, losses }: EncodeContext) {
    this.#messages = request.messages
    this.#leftOut = new LeftOut(request, losses)
    const thirdGeneration = isThirdGeneration(model)
    const signed = capabilities.family === 'gemini'
    this.#signsCalls = signed && thirdGeneration
    this.#context = {
      dialect: request.dialect,
      thirdGeneration,
      losses,
      seal: (signature: Signature | undefined, kind) => {
        if (signature === undefined) return null
        if (signed && signature.family === 'gemini') return signature.value
        losses.drop(`messages[].${kind}.signature`)
        return null
      },
    }
  }

  run(): EncodedContents {
    const messages = this.#messages
    const turn = messages.findLastIndex((message) => message.role === 'user')
    const first = messages.findIndex((message) => message.role !== 'system')
    const leading = first < 0 ? messages.length : first
    for (let at = leading; at < messages.length; at++) {
      const message = messages[at]
      if (message !== undefined) this.#message(message, at > turn)
    }
    this.#leftOut.check()
    const instructions = messages.slice(0, leading).filter((message) => message.role === 'system')
    const systemInstruction = this.#instructions(instructions)
    const contents = this.#contents.map(wire)
    const [opening] = contents
    if (opening === undefined && systemInstruction !== undefined) {
      this.#context.losses.adapt('messages[].system') // the vendor wants a turn to answer
      return { systemInstruction: undefined, contents: [{ role: 'user', ...systemInstruction }] }
    }
    if (opening?.['role'] === 'model') {
      this.#context.losses.adapt('messages')
      contents.unshift({ role: 'user', parts: [{ text: OPENING }] })
    }
    return { systemInstruction, contents }
  }

  #message(message: Message, currentTurn: boolean): void {
    switch (message.role) {
      case 'system': {
        // Only in front of the conversation is there a place for them.
        this.#context.losses.adapt('messages[].system')
        const parts = message.parts.map((part) => encodeUserPart(part, this.#context))
        return this.#add('user', parts, message)
      }
      case 'user': {
        return this.#add(
          'user',
          message.parts.map((part) => encodeUserPart(part, this.#context)),
          message,
        )
      }
      case 'assistant':
        return this.#assistant(message, currentTurn)
      case 'tool':
        return this.#results(message)
    }
  }

  #assistant(message: AssistantMessage, currentTurn: boolean): void {
    let first = true
    const parts = message.parts.map((part) => {
      if (part.type === 'reasoning' && !this.#takesThought(part.text, part.signature)) return null
      const encoded = encodeModelPart(part, this.#context)
      if (part.type !== 'tool-call') return encoded
      this.#calls.set(part.id, { name: part.name, at: this.#calls.get(part.id)?.at ?? this.#calls.size })
      const unsigned = encoded !== null && encoded['thoughtSignature'] === undefined
      // Of calls side by side only the first is signed.
      const wanted = first && unsigned && currentTurn && this.#signsCalls
      first = false
      if (!wanted) return encoded
      this.#context.losses.adapt('messages[].tool_call.signature')
      return { ...encoded, thoughtSignature: UNCHECKED_SIGNATURE }
    })
    this.#add('model', parts, message)
  }

  /** The vendor's own thoughts need no seal here: it signs what follows them. Those of others are not Gemini's. */
  #takesThought(text: string, signature: Signature | undefined): boolean {
    if (this.#context.dialect === 'gemini' || signature?.family === 'gemini') return true
    if (text !== '') this.#context.losses.drop('messages[].reasoning')
    return false
  }

  #results(message: ToolMessage): void {
    const place = (part: ToolResultPart) => this.#calls.get(part.callId)?.at ?? -1
    const inOrder = [...message.parts].sort((a, b) => place(a) - place(b))
    const parts: (JsonObject | null)[] = []
    const beside: (JsonObject | null)[] = []
    for (const part of inOrder) parts.push(this.#result(part, beside))
    this.#add('user', [...parts, ...beside], message)
  }

  #result(part: ToolResultPart, beside: (JsonObject | null)[]): JsonObject {
    const { losses, thirdGeneration } = this.#context
    const name = part.name ?? this.#calls.get(part.callId)?.name ?? part.callId
    const media: JsonObject[] = []
    const texts: string[] = []
    for (const item of part.content) {
      if (item.type === 'text') texts.push(item.text)
      else if (item.source.kind === 'text') texts.push(item.source.text)
      else if (!thirdGeneration) {
        // Older models take media only beside the result.
        losses.adapt(`messages[].tool_result.${item.type}`)
        beside.push(encodeUserPart(item, this.#context))
      } else {
        // How closely a picture is looked at cannot be said within a result.
        const encoded = encodeUserPart(item.type === 'image' ? { ...item, detail: undefined } : item, this.#context)
        if (encoded !== null) media.push(encoded)
      }
    }
    const extra = extraOf(part, 'tool_result', this.#context)
    return {
      functionResponse: {
        ...(!part.callId.startsWith(MADE_ID) && { id: part.callId }),
        name,
        response: this.#response(texts.join('\n'), part),
        ...(media.length > 0 && { parts: media }),
        ...extra,
      },
    }
  }

  #response(text: string, part: ToolResultPart): unknown {
    if (part.isError) return { error: text }
    const json = text.trimStart().startsWith('{') ? objectText(text) : null
    if (json === null || text === '') return { output: text }
    // The vendor takes these names for references to parts, and refuses others.
    if (!json.includes('"$ref"') && !json.includes('"$defs"')) return new RawJson(json)
    this.#context.losses.adapt('messages[].tool_result')
    return { output: text }
  }

  #add(role: Content['role'], parts: readonly (JsonObject | null)[], message: Message): void {
    const some = parts.filter((part) => part !== null)
    if (this.#leftOut.takes(message, some.length)) return
    let { extra } = message
    if (extra !== undefined && this.#context.dialect !== 'gemini') {
      this.#context.losses.dropAll('messages[]', extra)
      extra = undefined
    }
    const before = this.#contents.at(-1)
    if (before?.role === role) {
      before.parts.push(...some)
      // Texts of several turns of one role became one.
      if (message.role === before.from) this.#context.losses.adapt('messages')
      return
    }
    if (some.length > 0) this.#contents.push({ role, parts: some, extra, from: message.role })
  }

  #instructions(messages: readonly SystemMessage[]): JsonObject | undefined {
    const parts: JsonObject[] = []
    let extra: JsonObject | undefined
    for (const message of messages) {
      for (const part of message.parts) {
        const encoded = encodeUserPart(part, this.#context)
        if (encoded !== null) parts.push(encoded)
      }
      if (this.#context.dialect === 'gemini') extra = message.extra
      else this.#context.losses.dropAll('messages[]', message.extra)
    }
    return parts.length === 0 ? undefined : { parts, ...extra }
  }
}

function wire({ role, parts, extra }: Content): JsonObject {
  return isObject(extra) ? { role, parts, ...extra } : { role, parts }
}
