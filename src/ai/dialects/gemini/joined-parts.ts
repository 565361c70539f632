import type { AssistantPart } from '../../ir/parts.ts'

/**
 * One answer that was streamed and comes back as a content for each chunk, as the vendor's own clients do it: pieces of one
 * text are one text again, and the empty ones that only ended a stream are gone.
 */
export function joined(before: readonly AssistantPart[], more: readonly AssistantPart[]): AssistantPart[] {
  const parts = before.filter(says)
  for (const part of more) {
    if (!says(part)) continue
    const last = parts.at(-1)
    const whole = last === undefined ? null : join(last, part)
    if (whole === null) parts.push(part)
    else parts[parts.length - 1] = whole
  }
  return parts.length > 0 ? parts : [...before]
}

function says(part: AssistantPart): boolean {
  return part.type !== 'text' || part.text !== '' || part.signature !== undefined
}

/** What is sealed, or has members of its own, is not continued. */
function join(last: AssistantPart, part: AssistantPart): AssistantPart | null {
  if (last.type === 'text' && part.type === 'text') {
    if (last.signature !== undefined || last.extra !== undefined || part.extra !== undefined) return null
    return { ...part, text: last.text + part.text }
  }
  if (last.type !== 'reasoning' || part.type !== 'reasoning') return null
  if (last.signature !== undefined || last.extra !== undefined || part.extra !== undefined) return null
  return { ...part, text: last.text + part.text }
}
