import type { Capabilities, DialectTraits } from '../dialects/dialect.ts'
import type { Losses } from '../ir/losses.ts'
import type { AssistantPart, Signature } from '../ir/parts.ts'
import type { Message } from '../ir/request.ts'

/** Sealed thoughts go back to the family that can read them; others are taken out, with a report. */
export function withOwnSeals(
  messages: readonly Message[],
  traits: DialectTraits,
  family: Capabilities['family'],
  losses: Losses,
): Message[] {
  const own = (seal: Signature | undefined) => seal !== undefined && seal.family === family
  const kept = (part: AssistantPart): AssistantPart | null => {
    switch (part.type) {
      case 'reasoning': {
        if (own(part.sealed) || own(part.signature)) return part
        const sealed = part.sealed !== undefined || part.signature !== undefined
        if (traits.checksSeals || part.text === '') {
          losses.drop('messages[].reasoning')
          return null
        }
        if (sealed) losses.drop('messages[].reasoning.signature')
        return { ...part, signature: undefined, sealed: undefined }
      }
      case 'text':
      case 'tool-call': {
        if (part.signature === undefined || own(part.signature)) return part
        losses.drop(part.type === 'text' ? 'messages[].text.signature' : 'messages[].tool_call.signature')
        return { ...part, signature: undefined }
      }
      default:
        return part
    }
  }
  return messages.flatMap((message): readonly Message[] => {
    if (message.role !== 'assistant') return [message]
    const parts = message.parts.map(kept).filter((part) => part !== null)
    // A turn of nothing but thoughts that are taken out is no turn.
    return parts.length === 0 && message.parts.length > 0 ? [] : [{ ...message, parts }]
  })
}
