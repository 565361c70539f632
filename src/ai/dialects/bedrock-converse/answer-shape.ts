import type { JsonObject } from '../../ir/json.ts'
import type { Reading, Shape } from '../answer-shape.ts'

const USAGE: Shape = {
  inputTokens: 'read',
  outputTokens: 'read',
  // The sum of the others.
  totalTokens: 'ran',
  cacheReadInputTokens: 'read',
  cacheWriteInputTokens: 'read',
  cacheDetails: [{ ttl: 'read', inputTokens: 'read' }],
}

const KNOWN: Shape = {
  text: 'read',
  reasoningContent: { reasoningText: { text: 'read', signature: 'read' }, redactedContent: 'read' },
  toolUse: { toolUseId: 'read', name: 'read', input: 'read', '*': 'kept' },
  citationsContent: { content: [{ text: 'read' }], citations: 'kept' },
  image: { format: 'read', source: { bytes: 'read' }, '*': 'kept' },
}

/** A block is an object whose only member names its kind; one that nobody here knows is kept. */
function block(value: JsonObject): Reading {
  const names = Object.keys(value)
  if (names.some((name) => Object.hasOwn(KNOWN, name))) return KNOWN
  return { [names[0] ?? '']: 'kept' }
}

/** The answer of `converse`. */
export const ANSWER: Shape = {
  output: { message: { role: 'ran', content: [block] } },
  stopReason: 'read',
  usage: USAGE,
  // How long it took there.
  metrics: 'ran',
  serviceTier: { type: 'read' },
  '*': 'kept',
}

const AT = { contentBlockIndex: 'read', p: 'ran' } as const

/** Events of `converse-stream` by their names; `p` is padding that hides their length. */
export const EVENTS: Readonly<Record<string, Shape>> = {
  messageStart: { role: 'ran', p: 'ran' },
  contentBlockStart: {
    ...AT,
    start: { toolUse: { toolUseId: 'read', name: 'read', '*': 'kept' } },
  },
  contentBlockDelta: {
    ...AT,
    delta: {
      text: 'read',
      toolUse: { input: 'read' },
      reasoningContent: { text: 'read', signature: 'read', redactedContent: 'read' },
      citation: 'kept',
    },
  },
  contentBlockStop: AT,
  messageStop: { stopReason: 'read', additionalModelResponseFields: 'kept', p: 'ran' },
  metadata: { usage: USAGE, metrics: 'ran', serviceTier: { type: 'read' }, p: 'ran', '*': 'kept' },
}
