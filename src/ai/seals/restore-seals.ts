import { type SealFamily, WANTS_SEALS } from '../dialects/name.ts'
import type { AssistantPart } from '../ir/parts.ts'
import type { AssistantMessage, ModelRequest } from '../ir/request.ts'
import { digestOf, type SealedCall } from './sealed-call.ts'

/** The newest calls are looked for; a conversation with more lacks the oldest. */
const MOST_CALLS = 512

/** Ids of calls that came back without the seals that a model of this family wants. */
export function unsealedCalls({ messages, parameters }: ModelRequest, family: SealFamily): string[] {
  const { reasoning } = parameters
  const thinks = reasoning !== undefined && reasoning.mode !== 'disabled' && reasoning.effort !== 'none'
  const when = WANTS_SEALS[family]
  if (when === 'never' || (when === 'thinking' && !thinks)) return []
  return messages
    .flatMap((message) => (message.role === 'assistant' && lacksSeals(message, family) ? idsOf(message) : []))
    .slice(-MOST_CALLS)
}

function idsOf({ parts }: AssistantMessage): string[] {
  return parts.flatMap((part) => (part.type === 'tool-call' ? [part.id] : []))
}

function lacksSeals({ parts }: AssistantMessage, family: SealFamily): boolean {
  return !parts.some((part) => {
    if (part.type !== 'tool-call' && part.type !== 'reasoning') return false
    if (part.signature?.family === family) return true
    return part.type === 'reasoning' && part.sealed?.family === family
  })
}

/** The request with the seals of these calls in their places, as far as they are this family's. */
export function withRestoredSeals(
  request: ModelRequest,
  kept: ReadonlyMap<string, SealedCall>,
  family: SealFamily,
): ModelRequest {
  const messages = request.messages.map((message) => {
    if (message.role !== 'assistant' || !lacksSeals(message, family)) return message
    const parts = restored(message.parts, kept, family)
    return parts === null ? message : { ...message, parts }
  })
  return { ...request, messages }
}

function restored(
  parts: readonly AssistantPart[],
  kept: ReadonlyMap<string, SealedCall>,
  family: SealFamily,
): AssistantPart[] | null {
  const out: AssistantPart[] = []
  /** Thoughts in front of the first call stand in front of all: the model's text came behind them. */
  let leading = true
  let found = false
  for (const part of parts) {
    // What the client sends of a thought without its seal is in the one that is put back.
    if (part.type === 'reasoning') continue
    if (part.type !== 'tool-call') {
      out.push(part)
      continue
    }
    const call = kept.get(part.id)
    const isSame = call !== undefined && call.digest === digestOf(part)
    const thoughts = isSame ? call.thoughts.filter((each) => (each.signature ?? each.sealed)?.family === family) : []
    const signature = isSame && call.signature?.family === family ? call.signature : undefined
    if (leading) out.unshift(...thoughts)
    else out.push(...thoughts)
    leading = false
    if (thoughts.length > 0 || signature !== undefined) found = true
    out.push(signature === undefined ? part : { ...part, signature })
  }
  return found ? out : null
}
