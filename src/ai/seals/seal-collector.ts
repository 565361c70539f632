import type { StreamEvent } from '../ir/answer.ts'
import { withNote, withText } from '../ir/assemble.ts'
import type { AssistantPart } from '../ir/parts.ts'
import { type SealedCall, sealedCallsOf } from './sealed-call.ts'

/** Where the sealed calls of an answer go. */
export type KeepSeals = (calls: readonly SealedCall[]) => void

/** Finds the sealed calls of a stream, and keeps those of a choice when it stops: only its thoughts and calls are held. */
export class SealCollector {
  readonly #keep: KeepSeals
  readonly #choices = new Map<number, Map<number, AssistantPart>>()

  constructor(keep: KeepSeals) {
    this.#keep = keep
  }

  push(event: StreamEvent): void {
    switch (event.type) {
      case 'part-start': {
        const { choice, index, part } = event
        if (part.type !== 'reasoning' && part.type !== 'tool-call') return
        const parts = this.#choices.get(choice)
        if (parts === undefined) this.#choices.set(choice, new Map([[index, part]]))
        else parts.set(index, part)
        return
      }
      case 'part-delta':
        return this.#change(event, (part) => withText(part, event.text))
      case 'part-note':
        return this.#change(event, (part) => withNote(part, event))
      case 'stop':
        return this.#finish(event.choice)
      default:
    }
  }

  #change(at: { readonly choice: number; readonly index: number }, edit: (part: AssistantPart) => AssistantPart): void {
    const parts = this.#choices.get(at.choice)
    const part = parts?.get(at.index)
    if (part !== undefined) parts?.set(at.index, edit(part))
  }

  #finish(choice: number): void {
    const parts = [...(this.#choices.get(choice) ?? [])].sort(([a], [b]) => a - b)
    this.#choices.delete(choice)
    const calls = sealedCallsOf(parts.map(([, part]) => part))
    if (calls.length > 0) this.#keep(calls)
  }
}
