import type { AnswerFault, ModelAnswer, StreamEvent } from '../../ir/answer.ts'
import { AnswerAssembler } from '../../ir/assemble.ts'
import { writeJson } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { AnswerContext, Capabilities, DecodeContext, EncodeContext, StreamDecoder } from '../dialect.ts'
import type { DialectName, SealFamily } from '../name.ts'

/** A model of which nothing is known but its family. */
export function capabilitiesOf(family: SealFamily): Capabilities {
  return {
    maxOutputTokens: null,
    contextTokens: null,
    refuses: new Set(),
    structuredOutput: null,
    tools: null,
    vision: null,
    reasoning: null,
    family,
  }
}

/** For a model of the family of Claude. */
export function encodeContext(capabilities: Partial<Capabilities> = {}): EncodeContext {
  return {
    model: 'served-model',
    capabilities: { ...capabilitiesOf('anthropic'), ...capabilities },
    losses: new Losses(),
  }
}

/** Ids are `prefix_1`, `prefix_2` and so on. */
export function decodeContext(): DecodeContext {
  let count = 0
  return {
    losses: new Losses(),
    ids: {
      next: (prefix) => {
        count += 1
        return `${prefix}_${count}`
      },
    },
  }
}

/** A request of another dialect, with what a test says. */
export function requestOf(members: Partial<ModelRequest> = {}): ModelRequest {
  return {
    dialect: 'openai-chat',
    model: 'alias',
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
    tools: [],
    parameters: { maxOutputTokens: 100 },
    stream: false,
    ...members,
  }
}

export function answerContext(request: ModelRequest = requestOf()): AnswerContext {
  return { id: 'own1', model: 'served-model', createdAt: 1_700_000_000, request, losses: new Losses() }
}

/** A value as its text on the wire says it, without members that are undefined. */
export function asWire(value: unknown): unknown {
  return JSON.parse(writeJson(value))
}

/** What a decoder gives for these events, and for the end of the connection. */
export function decoded(
  decoder: StreamDecoder,
  events: readonly { name: string | null; data: string }[],
): StreamEvent[] {
  const out: StreamEvent[] = []
  for (const event of events) decoder.push(event, (item) => out.push(item))
  decoder.close((item) => out.push(item))
  return out
}

export function assembled(events: readonly StreamEvent[], dialect: DialectName): ModelAnswer | AnswerFault | null {
  const assembler = new AnswerAssembler(dialect)
  for (const event of events) assembler.push(event)
  return assembler.answer()
}

/** Events of the wire out of the text of a stream. */
export function wireEvents(text: string): { name: string | null; data: string }[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [first = '', second = ''] = block.split('\n')
      return { name: first.slice('event: '.length), data: second.slice('data: '.length) }
    })
}
