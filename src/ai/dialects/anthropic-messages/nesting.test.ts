import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { StreamEvent } from '../../ir/answer.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { answerContext, assembled, asWire, decodeContext, decoded, wireEvents } from '../testing/contexts.ts'
import { messagesClient, messagesUpstream } from './index.ts'

const words = fc.string({ minLength: 1, maxLength: 5 }).map((text) => text.replaceAll('\n', ' '))
const part: fc.Arbitrary<AssistantPart> = fc.oneof(
  words.map((text): AssistantPart => ({ type: 'text', text })),
  words.map((text): AssistantPart => ({ type: 'reasoning', text, signature: { family: 'anthropic', value: 'c2ln' } })),
  words.map((value): AssistantPart => ({ type: 'reasoning', text: '', sealed: { family: 'anthropic', value } })),
  fc.jsonValue().map((value): AssistantPart => {
    return { type: 'tool-call', id: 'toolu_1', name: 'f', arguments: JSON.stringify({ value }) }
  }),
)

/** The steps of one part: its start, its text in two pieces, what else became known, its end. */
function stepsOf(given: AssistantPart, index: number): StreamEvent[] {
  const place = { choice: 0, index } as const
  const text = 'text' in given ? given.text : given.type === 'tool-call' ? given.arguments : ''
  const empty: AssistantPart = given.type === 'tool-call' ? { ...given, arguments: '' } : bare(given)
  const pieces = [text.slice(0, 1), text.slice(1)]
  const notes: StreamEvent[] =
    given.type === 'reasoning'
      ? [{ type: 'part-note', ...place, signature: given.signature, sealed: given.sealed }]
      : []
  return [
    { type: 'part-start', ...place, part: empty },
    ...pieces.map((piece): StreamEvent => ({ type: 'part-delta', ...place, text: piece })),
    ...notes,
    { type: 'part-end', ...place },
  ]
}

function bare(given: AssistantPart): AssistantPart {
  return given.type === 'reasoning' ? { type: 'reasoning', text: '' } : { type: 'text', text: '' }
}

/** Parts begin in their order; apart from that their steps come in any order. */
function interleaved(parts: readonly AssistantPart[], order: readonly number[]): StreamEvent[] {
  const queues = parts.map(stepsOf)
  const out: StreamEvent[] = []
  let begun = 0
  for (const pick of order) {
    const index = pick % (begun + 1)
    const queue = queues[index]
    if (queue === undefined || queue.length === 0) continue
    if (index === begun) begun += 1
    out.push(...queue.splice(0, 1))
  }
  for (const queue of queues) out.push(...queue)
  return out
}

test('however parts overlap, blocks are strictly nested and give the same parts in the same order', () => {
  const property = fc.property(
    fc.array(part, { maxLength: 5 }),
    fc.array(fc.nat(20), { maxLength: 40 }),
    (parts, order) => {
      const encoder = messagesClient.streamEncoder(answerContext())
      const end: StreamEvent[] = [{ type: 'stop', choice: 0, stop: { reason: 'end' } }, { type: 'end' }]
      const events: StreamEvent[] = [
        { type: 'start', dialect: 'anthropic-messages' },
        ...interleaved(parts, order),
        ...end,
      ]
      const wire = wireEvents(events.map((event) => encoder.push(event)).join(''))
      assertNested(wire.map(({ data }) => JSON.parse(data)))
      const answer = assembled(decoded(messagesUpstream.streamDecoder(decodeContext()), wire), 'anthropic-messages')
      assert.ok(answer !== null && 'choices' in answer)
      assert.deepEqual(asWire(answer.choices[0]?.parts), asWire(parts))
    },
  )
  fc.assert(property, { numRuns: 300 })
})

function assertNested(events: readonly { type: string; index?: number }[]): void {
  let open: number | null = null
  let next = 0
  for (const { type, index } of events) {
    if (type === 'content_block_start') {
      assert.equal(open, null)
      assert.equal(index, next)
      open = next
      next += 1
    } else if (type === 'content_block_delta' || type === 'content_block_stop') {
      assert.equal(index, open)
      if (type === 'content_block_stop') open = null
    } else {
      assert.equal(open, null)
    }
  }
}

test('a decoder never throws, whatever it is fed, and says nothing behind its end', () => {
  const event = fc.record(
    {
      type: fc.constantFrom(
        'message_start',
        'content_block_start',
        'content_block_delta',
        'content_block_stop',
        'message_delta',
        'message_stop',
        'error',
        'x',
      ),
      index: fc.oneof(fc.nat(2), fc.jsonValue()),
      message: fc.jsonValue(),
      content_block: fc.oneof(
        fc.jsonValue(),
        fc.record({
          type: fc.constantFrom('text', 'thinking', 'tool_use', 'x'),
          name: fc.jsonValue(),
          input: fc.jsonValue(),
          text: fc.jsonValue(),
        }),
      ),
      delta: fc.oneof(
        fc.jsonValue(),
        fc.record({
          type: fc.constantFrom('text_delta', 'input_json_delta', 'signature_delta', 'citations_delta'),
          text: fc.jsonValue(),
          partial_json: fc.jsonValue(),
          citation: fc.jsonValue(),
        }),
      ),
      usage: fc.jsonValue(),
      error: fc.jsonValue(),
    },
    { requiredKeys: ['type'] },
  )
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const wire = events.map((item) => ({ name: null, data: JSON.stringify(item) }))
      const out = decoded(messagesUpstream.streamDecoder(decodeContext()), wire)
      const ends = out.filter(({ type }) => type === 'end' || type === 'fault')
      assert.equal(ends.length, 1)
      assert.equal(out.at(-1), ends[0])
    }),
  )
})
