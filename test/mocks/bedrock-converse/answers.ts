/*
 * Whole answers and streams as Bedrock's Converse API gives them, written from its public reference ("Converse",
 * "ConverseStream") and never by our own code. Events are given by their `:event-type` or `:exception-type` and their payload.
 */
import type { Members } from '../shape.ts'

export interface MockEvent {
  readonly name: string
  readonly data: Members
}

export interface MockAnswer {
  readonly body: Members
  readonly events: readonly MockEvent[]
}

interface Shown {
  readonly content: readonly Members[]
  readonly stop?: string
  readonly usage?: Members
  readonly further?: Members
  readonly trace?: Members
}

const USAGE: Members = { inputTokens: 30, outputTokens: 12, totalTokens: 42 }
const METRICS: Members = { latencyMs: 421 }

/** An answer of these blocks; each text is cut into two deltas. */
export function answerOf({ content, stop = 'end_turn', usage = USAGE, further, trace }: Shown): MockAnswer {
  const fields = further === undefined ? {} : { additionalModelResponseFields: further }
  const traced = trace === undefined ? {} : { trace }
  const tier = { serviceTier: { type: 'default' } }
  return {
    body: {
      output: { message: { role: 'assistant', content } },
      stopReason: stop,
      usage,
      metrics: METRICS,
      ...fields,
      ...traced,
      ...tier,
    },
    events: [
      { name: 'messageStart', data: { role: 'assistant', p: 'abcd' } },
      ...content.flatMap(blockEvents),
      { name: 'messageStop', data: { stopReason: stop, ...fields, p: 'abc' } },
      { name: 'metadata', data: { usage, metrics: METRICS, ...traced, ...tier, p: 'ab' } },
    ],
  }
}

function blockEvents(block: Members, index: number): MockEvent[] {
  const place = { contentBlockIndex: index }
  const { start, deltas } = cut(block)
  const opening = start === null ? [] : [{ name: 'contentBlockStart', data: { ...place, start } }]
  return [
    ...opening,
    ...deltas.map((delta) => ({ name: 'contentBlockDelta', data: { ...place, delta } })),
    { name: 'contentBlockStop', data: place },
  ]
}

interface Cut {
  readonly start: Members | null
  readonly deltas: readonly Members[]
}

/** Only calls have an event for their start. */
function cut(block: Members): Cut {
  const { text, toolUse, reasoningContent } = block
  if (typeof text === 'string') return { start: null, deltas: halves(text).map((part) => ({ text: part })) }
  if (isObject(toolUse)) {
    const { input, ...start } = toolUse
    const json = JSON.stringify(input)
    const parts = json === '{}' ? [] : halves(json)
    return { start: { toolUse: start }, deltas: parts.map((part) => ({ toolUse: { input: part } })) }
  }
  if (isObject(reasoningContent)) {
    const { reasoningText, redactedContent } = reasoningContent
    if (!isObject(reasoningText)) return { start: null, deltas: [{ reasoningContent: { redactedContent } }] }
    const thoughts = halves(String(reasoningText['text'])).map((part) => ({ reasoningContent: { text: part } }))
    const { signature } = reasoningText
    const sealed = signature === undefined ? [] : [{ reasoningContent: { signature } }]
    return { start: null, deltas: [...thoughts, ...sealed] }
  }
  return { start: null, deltas: [] }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null
}

function halves(text: string): string[] {
  const middle = Math.ceil(text.length / 2)
  return [text.slice(0, middle), text.slice(middle)].filter((part) => part !== '')
}

function call(toolUseId: string, name: string, input: Members): Members {
  return { toolUse: { toolUseId, name, input } }
}

export const textAnswer = answerOf({ content: [{ text: 'Hello! How can I help?' }] })
export const severalTexts = answerOf({ content: [{ text: 'First.' }, { text: 'Second.' }] })
export const toolAnswer = answerOf({
  content: [{ text: 'I will look.' }, call('tooluse_1', 'get_weather', { city: 'Paris' })],
  stop: 'tool_use',
})
export const parallelTools = answerOf({
  content: [call('tooluse_1', 'get_weather', { city: 'Paris' }), call('tooluse_2', 'get_time', { zone: 'CET' })],
  stop: 'tool_use',
})
export const emptyArguments = answerOf({ content: [call('tooluse_1', 'now', {})], stop: 'tool_use' })
export const thinkingAnswer = answerOf({
  content: [
    { reasoningContent: { reasoningText: { text: 'A greeting.', signature: 'EqQBCgIYAhIM' } } },
    { reasoningContent: { redactedContent: 'RW13S0FoZ0I=' } },
    { text: 'Hello!' },
  ],
})
export const unsignedThinking = answerOf({
  content: [{ reasoningContent: { reasoningText: { text: 'A greeting.' } } }, { text: 'Hello!' }],
})
export const filteredAnswer = answerOf({ content: [{ text: 'I can' }], stop: 'content_filtered' })
export const guardedAnswer = answerOf({
  content: [{ text: 'Sorry, this is blocked.' }],
  stop: 'guardrail_intervened',
  trace: { guardrail: { actionReason: 'blocked' } },
})
export const lengthAnswer = answerOf({ content: [{ text: 'Once upon a' }], stop: 'max_tokens' })
export const stopSequenceAnswer = answerOf({
  content: [{ text: 'one, two,' }],
  stop: 'stop_sequence',
  further: { stop_sequence: 'three' },
})
export const malformedAnswer = answerOf({ content: [{ text: 'I call' }], stop: 'malformed_tool_use' })
export const cachedAnswer = answerOf({
  content: [{ text: 'Hello!' }],
  usage: {
    inputTokens: 21,
    outputTokens: 50,
    totalTokens: 2171,
    cacheReadInputTokens: 1800,
    cacheWriteInputTokens: 300,
    cacheDetails: [
      { ttl: '5m', inputTokens: 100 },
      { ttl: '1h', inputTokens: 200 },
    ],
  },
})

/** Every answer by its name, for tests that go through all. */
export const answers: Readonly<Record<string, MockAnswer>> = {
  textAnswer,
  severalTexts,
  toolAnswer,
  parallelTools,
  emptyArguments,
  thinkingAnswer,
  unsignedThinking,
  filteredAnswer,
  guardedAnswer,
  lengthAnswer,
  stopSequenceAnswer,
  malformedAnswer,
  cachedAnswer,
}

/** An error as its body; its type stands in the header `x-amzn-errortype`. */
export function errorAnswer(message: string): Members {
  return { message }
}

/** A stream that fails after its first text. */
export const failingStream: readonly MockEvent[] = [
  ...textAnswer.events.slice(0, 2),
  { name: 'modelStreamErrorException', data: { message: 'The model failed.', originalStatusCode: 500 } },
]
