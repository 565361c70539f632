import type { AnswerContext, ClientDialect, UpstreamDialect, WireEvent } from '../../src/ai/dialects/dialect.ts'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/ai/dialects/testing/all-dialects.ts'
import type { ModelAnswer, StreamEvent } from '../../src/ai/ir/answer.ts'
import { AnswerAssembler } from '../../src/ai/ir/assemble.ts'
import { eventsOf } from '../../src/ai/ir/disassemble.ts'
import { FieldProblem } from '../../src/ai/ir/fields.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../../src/ai/ir/json.ts'
import { Losses } from '../../src/ai/ir/losses.ts'
import type { ModelRequest } from '../../src/ai/ir/request.ts'
import type { Outcome } from './outcome.ts'

/** How an answer comes from the upstream, and how the client wants it. */
export const WAYS = ['whole', 'stream', 'whole, streamed', 'stream, collected'] as const
export type Way = (typeof WAYS)[number]

/** What came of an answer; null: it was told as an error. */
export function answerOutcome(upstream: DialectName, client: DialectName, way: Way, wire: unknown): Outcome | null {
  const from = UPSTREAM_DIALECTS[upstream]
  const to = CLIENT_DIALECTS[client]
  if (from === undefined || to === undefined) throw new Error(`${upstream} to ${client}`)
  const losses = new Losses()
  const context = contextOf(client, losses)
  let body: string | null
  try {
    switch (way) {
      case 'whole':
        body = wholeOf(decoded(from, wire, losses), to, context)
        break
      case 'stream':
        body = streamOf(eventsFrom(from, wire, losses), to, context)
        break
      case 'whole, streamed':
        body = streamOf(withEvents(decoded(from, wire, losses)), to, context)
        break
      case 'stream, collected':
        body = wholeOf(assembled(from, wire, losses), to, context)
    }
  } catch (error) {
    if (error instanceof FieldProblem) return null
    throw error
  }
  return body === null ? null : { body, dropped: losses.dropped, adapted: losses.adapted }
}

function wholeOf(answer: ModelAnswer | null, to: ClientDialect, context: AnswerContext): string | null {
  return answer === null ? null : writeJson(to.encodeAnswer(answer, context))
}

function decoded(from: UpstreamDialect, wire: unknown, losses: Losses): ModelAnswer | null {
  // As the body comes from the wire.
  const body = parseExact(JSON.stringify(wire))
  const answer = isObject(body) ? from.decodeAnswer(body, { losses, ids: ids() }) : null
  return answer !== null && 'choices' in answer ? answer : null
}

function assembled(from: UpstreamDialect, wire: unknown, losses: Losses): ModelAnswer | null {
  const assembler = new AnswerAssembler(from.name)
  for (const event of eventsFrom(from, wire, losses) ?? []) assembler.push(event)
  const answer = assembler.answer()
  return answer !== null && 'choices' in answer ? answer : null
}

function withEvents(answer: ModelAnswer | null): readonly StreamEvent[] | null {
  return answer === null ? null : [...eventsOf(answer)]
}

/** Null: the stream told an error. */
function eventsFrom(from: UpstreamDialect, wire: unknown, losses: Losses): readonly StreamEvent[] | null {
  const decoder = from.streamDecoder({ losses, ids: ids() })
  const told: StreamEvent[] = []
  const take = (event: StreamEvent) => told.push(event)
  // Made by `streamOfAnswer`.
  for (const { name, data } of wire as readonly { name: string | null; data: unknown }[]) {
    const event: WireEvent = { name, data: typeof data === 'string' ? data : JSON.stringify(data) }
    decoder.push(event, take)
  }
  decoder.close(take)
  return told.some(({ type }) => type === 'fault') ? null : told
}

function streamOf(events: readonly StreamEvent[] | null, to: ClientDialect, context: AnswerContext): string | null {
  if (events === null) return null
  const encoder = to.streamEncoder(context)
  return events.map((event) => encoder.push(event)).join('')
}

/** A client that asks for all that an answer may tell. */
function contextOf(client: DialectName, losses: Losses): AnswerContext {
  const request: ModelRequest = {
    dialect: client,
    model: 'm',
    messages: [],
    tools: [],
    stream: true,
    parameters: { includeUsage: true, logprobs: { top: 3 }, reasoning: { effort: 'high', summary: 'detailed' } },
  }
  return { id: '01a1ff2b', model: 'upstream-model', createdAt: 1_795_000_000, request, losses }
}

function ids() {
  let last = 0
  return { next: (prefix: string) => `${prefix}_made${++last}` }
}

export type WireAnswer = { readonly whole: JsonObject; readonly events: readonly WireEvent[] }

/** What is marked of an answer in one way: its body, or its events with their data as values. */
export function wireOf(answer: WireAnswer, way: Way): unknown {
  if (!way.startsWith('stream')) return answer.whole
  return answer.events.map(({ name, data }) => ({ name, data: data.startsWith('{') ? parseExact(data) : data }))
}
