import type { Choice, ModelAnswer, Stop, StreamEvent } from '../ir/answer.ts'
import { isObject, parseExact, writeJson } from '../ir/json.ts'
import type { AssistantPart, ToolCallPart } from '../ir/parts.ts'
import { asCustomCall } from './custom-tools.ts'
import type { Undo } from './lower.ts'
import { OUTPUT_TOOL, WRAPPED } from './structured-output.ts'

/** Puts a whole answer into the client's words again: names of tools, free-text tools, structured output. */
export function raiseAnswer(answer: ModelAnswer, undo: Undo): ModelAnswer {
  return { ...answer, choices: answer.choices.map((choice) => raiseChoice(choice, undo)) }
}

function raiseChoice(choice: Choice, undo: Undo): Choice {
  const parts = choice.parts.map((part) => (part.type === 'tool-call' ? raiseCall(part, undo) : part))
  return { ...choice, parts, stop: raiseStop(choice.stop, undo, parts.some(isCall)) }
}

function isCall(part: AssistantPart): boolean {
  return part.type === 'tool-call'
}

function raiseCall(part: ToolCallPart, undo: Undo): AssistantPart {
  const name = undo.names.original(part.name)
  if (undo.outputTool && name === OUTPUT_TOOL) return { type: 'text', text: outputOf(part.arguments, undo) }
  const call = name === part.name ? part : { ...part, name }
  return undo.custom.has(name) ? asCustomCall(call) : call
}

function raiseStop(stop: Stop, undo: Undo, calls: boolean): Stop {
  return undo.outputTool && stop.reason === 'tool-calls' && !calls ? { ...stop, reason: 'end' } : stop
}

/** The text of an output: what stands in the member that holds it, where it is no object itself. */
function outputOf(text: string, undo: Undo): string {
  if (!undo.wrappedOutput) return text
  try {
    const value = parseExact(text)
    return isObject(value) && WRAPPED in value ? writeJson(value[WRAPPED]) : text
  } catch {
    return text // cut short: the client sees what there is, and why it stopped
  }
}

/** The same for a stream. A part whose text is known only as a whole is held back until it ends. */
export class EventRaiser {
  readonly #undo: Undo
  /** Calls that are held, by choice and index. */
  readonly #held = new Map<string, ToolCallPart>()
  readonly #calling = new Set<number>()

  constructor(undo: Undo) {
    this.#undo = undo
  }

  push(event: StreamEvent, emit: (event: StreamEvent) => void): void {
    switch (event.type) {
      case 'part-start':
        return this.#begin(event, emit)
      case 'part-delta': {
        const held = this.#held.get(keyOf(event))
        if (held === undefined) return emit(event)
        this.#held.set(keyOf(event), { ...held, arguments: held.arguments + event.text })
        return
      }
      case 'part-end':
        this.#release(event, emit)
        return emit(event)
      case 'stop':
        return emit({ ...event, stop: raiseStop(event.stop, this.#undo, this.#calling.has(event.choice)) })
      default:
        return emit(event)
    }
  }

  #begin(event: Extract<StreamEvent, { type: 'part-start' }>, emit: (event: StreamEvent) => void): void {
    const { part } = event
    if (part.type !== 'tool-call') return emit(event)
    const name = this.#undo.names.original(part.name)
    const isOutput = this.#undo.outputTool && name === OUTPUT_TOOL
    if (!isOutput) this.#calling.add(event.choice)
    if (isOutput && !this.#undo.wrappedOutput) {
      return emit({ ...event, part: { type: 'text', text: part.arguments } })
    }
    const call = { ...part, name }
    if (!isOutput && !this.#undo.custom.has(name)) return emit({ ...event, part: call })
    this.#held.set(keyOf(event), call)
    const shown: AssistantPart = isOutput ? { type: 'text', text: '' } : { ...call, custom: true, arguments: '' }
    return emit({ ...event, part: shown })
  }

  #release(event: Extract<StreamEvent, { type: 'part-end' }>, emit: (event: StreamEvent) => void): void {
    const held = this.#held.get(keyOf(event))
    if (held === undefined) return
    this.#held.delete(keyOf(event))
    const isOutput = this.#undo.outputTool && held.name === OUTPUT_TOOL
    const text = isOutput ? outputOf(held.arguments, this.#undo) : asCustomCall(held).arguments
    if (text !== '') emit({ type: 'part-delta', choice: event.choice, index: event.index, text })
  }
}

function keyOf(event: { readonly choice: number; readonly index: number }): string {
  return `${event.choice}:${event.index}`
}
