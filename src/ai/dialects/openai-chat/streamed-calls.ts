import type { StreamEvent } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Signature, ToolCallPart } from '../../ir/parts.ts'
import type { DecodeContext } from '../dialect.ts'
import { argumentsText, googleSignature } from './assistant.ts'
import { ObjectEnd } from './object-end.ts'

type Emit = (event: StreamEvent) => void

interface Growing {
  /** The upstream's number of it. */
  readonly wire: number
  /** '' as long as the upstream has told none. */
  id: string
  name: string
  readonly custom: boolean
  text: string
  readonly extent: ObjectEnd
  signature: Signature | undefined
  /** Its number among the parts; null as long as its name is not known. */
  part: number | null
  ended: boolean
}

/**
 * Calls of tools in a stream. The vendor tells id and name once and then the arguments by the call's index; other upstreams
 * tell id and name each time, or give a second call the index of the first, or no index, or the arguments as an object.
 */
export class StreamedCalls {
  readonly #choice: number
  readonly #nextPart: () => number
  readonly #context: DecodeContext
  readonly #calls: Growing[] = []
  /** The first call of each id, the last one of each number on the wire: answers may hold very many. */
  readonly #byId = new Map<string, Growing>()
  readonly #byWire = new Map<number, Growing>()
  /** Calls that are told, whose arguments are whole, and that have not ended. */
  readonly #whole = new Set<Growing>()
  #highest = -1
  readonly #signatures = new Map<string, Signature>()

  constructor(choice: number, nextPart: () => number, context: DecodeContext) {
    this.#choice = choice
    this.#nextPart = nextPart
    this.#context = context
  }

  /** The calls that have begun. */
  get parts(): ToolCallPart[] {
    return this.#calls.filter((call) => call.part !== null).map(partOf)
  }

  push(delta: JsonObject, at: number, emit: Emit): void {
    const custom = isObject(delta['custom'])
    const inner = custom ? delta['custom'] : delta['function']
    const said: JsonObject = isObject(inner) ? inner : {}
    const id = typeof delta['id'] === 'string' ? delta['id'] : ''
    const name = typeof said['name'] === 'string' ? said['name'] : ''
    const text = custom ? argumentsText(said['input']) : argumentsText(said['arguments'])
    const { index } = delta
    const wire = typeof index === 'number' ? index : null
    const call = this.#find(wire, id, name, text) ?? this.#begin(wire ?? this.#freeIndex(at), custom, emit)
    if (call.id === '') this.#name(call, id)
    if (call.name === '') call.name = name
    const signature = googleSignature(delta['extra_content'])
    if (signature !== undefined) call.signature = signature
    if (call.part === null && call.name !== '') this.#tell(call, emit)
    // An upstream that opens with an empty object may still send the real one; and a whole one is sent again by some.
    if (text === '' || (!custom && (call.extent.reached || (call.text === '' && text === '{}')))) return
    call.text += text
    if (!custom) call.extent.push(text)
    if (call.part !== null && call.extent.reached) this.#whole.add(call)
    if (call.part !== null) emit({ type: 'part-delta', choice: this.#choice, index: call.part, text })
  }

  /** A signature that the upstream tells apart from its call. */
  sign(id: string, signature: Signature, emit: Emit): void {
    const call = this.#byId.get(id)
    if (call === undefined || call.part === null) this.#signatures.set(id, signature)
    else emit({ type: 'part-note', choice: this.#choice, index: call.part, signature })
  }

  /** Ends what is open; gives the signatures whose call never came. */
  finish(state: 'cut' | 'whole', emit: Emit): [string, Signature][] {
    for (const call of this.#calls) {
      if (call.ended || call.part === null) continue
      if (call.text === '' && !call.custom && state === 'whole') {
        emit({ type: 'part-delta', choice: this.#choice, index: call.part, text: '{}' })
      }
      this.#end(call, emit)
    }
    return [...this.#signatures]
  }

  /** The call that a delta goes on with; undefined when it begins one. */
  #find(wire: number | null, id: string, name: string, text: string): Growing | undefined {
    if (wire === null) {
      if (id !== '') return this.#byId.get(id)
      return name === '' ? this.#calls.at(-1) : undefined
    }
    const call = this.#byWire.get(wire)
    if (call === undefined) return undefined
    if (id !== '' && call.id !== '' && id !== call.id) {
      // The index of another call: this one may be known by its id already.
      return this.#byId.get(id)
    }
    const again = id === '' && name !== '' && text !== '' && call.extent.reached
    return again ? undefined : call
  }

  #begin(wire: number, custom: boolean, emit: Emit): Growing {
    // Nothing more can come for a call whose arguments are whole: ending it lets the next one be passed on at once.
    for (const call of this.#whole) this.#end(call, emit)
    this.#whole.clear()
    const call: Growing = {
      wire,
      id: '',
      name: '',
      custom,
      text: '',
      extent: new ObjectEnd(),
      signature: undefined,
      part: null,
      ended: false,
    }
    this.#calls.push(call)
    this.#byWire.set(wire, call)
    this.#highest = Math.max(this.#highest, wire)
    return call
  }

  #tell(call: Growing, emit: Emit): void {
    if (call.id === '') this.#name(call, this.#context.ids.next('call'))
    const signature = this.#signatures.get(call.id)
    if (signature !== undefined) call.signature = signature
    this.#signatures.delete(call.id)
    call.part = this.#nextPart()
    emit({ type: 'part-start', choice: this.#choice, index: call.part, part: { ...partOf(call), arguments: '' } })
    if (call.text !== '') emit({ type: 'part-delta', choice: this.#choice, index: call.part, text: call.text })
    if (call.extent.reached) this.#whole.add(call)
  }

  #name(call: Growing, id: string): void {
    call.id = id
    if (id !== '' && !this.#byId.has(id)) this.#byId.set(id, call)
  }

  #end(call: Growing, emit: Emit): void {
    call.ended = true
    if (call.part !== null) emit({ type: 'part-end', choice: this.#choice, index: call.part })
  }

  #freeIndex(at: number): number {
    return Math.max(at, this.#highest + 1)
  }
}

function partOf({ id, name, custom, text, signature }: Growing): ToolCallPart {
  const part = { type: 'tool-call', id, name, arguments: text } as const
  if (custom) return { ...part, custom: true }
  return signature === undefined ? part : { ...part, signature }
}
