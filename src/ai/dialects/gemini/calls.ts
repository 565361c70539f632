import type { Fields } from '../../ir/fields.ts'
import { isObject, writeJson } from '../../ir/json.ts'
import type { DocumentPart, ImagePart, TextPart, ToolCallPart, ToolResultPart } from '../../ir/parts.ts'
import { WaitingCalls } from './calls-waiting.ts'
import { decodeUserPart, signed } from './decode-parts.ts'
import { camelItems, camelMember } from './spelling.ts'

/** Begins the ids that are made for calls without one: they are not written again. */
export const MADE_ID = 'gemini_call_'

/**
 * Finds the call that a result answers. Ids are optional here: without them results belong to the calls of their name
 * in order, and a name that nobody called takes the next call that waits.
 */
export class CallBook {
  #made = 0
  /** Calls that have no result yet. */
  readonly #waiting = new WaitingCalls()

  decodeCall(part: Fields): ToolCallPart {
    const call = camelMember(part, 'functionCall')
    if (call === undefined) throw part.problem('functionCall', 'an object')
    const name = call.text('name')
    const id = call.string('id') ?? `${MADE_ID}${++this.#made}`
    this.#waiting.add({ id, name, made: id.startsWith(MADE_ID) })
    const args = call.object('args')
    const seal = signed(part)
    const extra = { ...part.rest(), ...call.rest() }
    return {
      type: 'tool-call',
      id,
      name,
      arguments: args === undefined ? '{}' : argumentsText(args),
      ...seal,
      ...(Object.keys(extra).length > 0 && { extra }),
    }
  }

  decodeResult(part: Fields): ToolResultPart {
    const result = camelMember(part, 'functionResponse')
    if (result === undefined) throw part.problem('functionResponse', 'an object')
    const name = result.text('name')
    const id = result.string('id')
    const callId = this.#answered(name, id)
    const { text, isError } = resultText(result)
    const media = camelItems(result, 'parts')?.map(decodeUserPart) ?? []
    const content: (TextPart | ImagePart | DocumentPart)[] = text === null ? [] : [{ type: 'text', text }]
    for (const item of media) if (item.type === 'image' || item.type === 'document') content.push(item)
    // A result elsewhere holds texts, pictures and documents: what else it has goes back to where it came from.
    const strange = content.length < media.length + (text === null ? 0 : 1)
    const parts = strange ? { parts: result.array('parts') } : {}
    const extra = { ...part.rest(), ...result.rest(), ...parts }
    return {
      type: 'tool-result',
      callId,
      name,
      content,
      isError,
      ...(Object.keys(extra).length > 0 && { extra }),
    }
  }

  #answered(name: string, id: string | undefined): string {
    const waiting = this.#waiting
    // A result with an id may answer a call without one.
    const call =
      id === undefined
        ? (waiting.takeName(name, 'any') ?? waiting.takeFirst())
        : (waiting.takeId(id) ?? waiting.takeName(name, 'made'))
    return call?.id ?? id ?? `${MADE_ID}${++this.#made}`
  }
}

/** A call's arguments as text. Only the text that stands for an object that could not be sent comes out as it was. */
export function argumentsText(args: object): string {
  return writeJson(args)
}

/** The vendor reads `output` and `error` of a response as what they say; anything else is the output as a whole. */
function resultText(result: Fields): { readonly text: string | null; readonly isError: boolean } {
  const response = result.object('response')
  if (response === undefined) return { text: null, isError: false }
  const [only, ...others] = Object.keys(response)
  if (only !== undefined && others.length === 0 && (only === 'output' || only === 'error')) {
    const value = response[only]
    const isError = only === 'error'
    if (typeof value === 'string' && (isError || !isObjectText(value))) return { text: value, isError }
    if (isError) return { text: writeJson(value), isError }
  }
  return { text: writeJson(response), isError: false }
}

/** Such a text would go out as the object that it looks like. */
function isObjectText(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false
  try {
    return isObject(JSON.parse(text))
  } catch {
    return false // only looks like one
  }
}
