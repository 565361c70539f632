import type { Choice, ModelAnswer, StreamEvent } from './answer.ts'
import type { AssistantPart } from './parts.ts'

/** The events that a stream of this answer could have had: for upstreams that answer at once to a client that streams. */
export function* eventsOf(answer: ModelAnswer): Generator<StreamEvent> {
  const { dialect, id, model, createdAt, serviceTier } = answer
  yield { type: 'start', dialect, id, model, createdAt, serviceTier }
  for (const choice of answer.choices) yield* eventsOfChoice(choice)
  if (answer.usage !== undefined) yield { type: 'usage', usage: answer.usage, serviceTier }
  yield { type: 'end', extra: answer.extra }
}

function* eventsOfChoice({ index: choice, parts, stop, logprobs }: Choice): Generator<StreamEvent> {
  for (const [index, part] of parts.entries()) {
    const [bare, text] = withoutText(part)
    yield { type: 'part-start', choice, index, part: bare }
    if (text !== '') yield { type: 'part-delta', choice, index, text }
    yield { type: 'part-end', choice, index }
  }
  if (logprobs !== undefined) yield { type: 'logprobs', choice, logprobs }
  yield { type: 'stop', choice, stop }
}

/** A part as it begins, and what follows of it. */
function withoutText(part: AssistantPart): [bare: AssistantPart, text: string] {
  switch (part.type) {
    case 'text':
    case 'reasoning':
    case 'refusal':
      return [{ ...part, text: '' }, part.text]
    case 'tool-call':
      return [{ ...part, arguments: '' }, part.arguments]
    case 'audio':
    case 'image':
    case 'opaque':
      return [part, '']
  }
}
