import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WireEvent } from '../../src/ai/dialects/dialect.ts'
import type { DialectName } from '../../src/ai/dialects/name.ts'
import { UPSTREAM_DIALECTS } from '../../src/ai/dialects/testing/all-dialects.ts'
import type { Choice, StreamEvent } from '../../src/ai/ir/answer.ts'
import { AnswerAssembler } from '../../src/ai/ir/assemble.ts'
import { isObject } from '../../src/ai/ir/json.ts'
import { Losses } from '../../src/ai/ir/losses.ts'
import { answerFiles } from './corpus.ts'
import { UPSTREAMS } from './upstreams.ts'

const CONTEXT = { losses: new Losses(), ids: { next: (prefix: string) => `${prefix}_made` } }

for (const { from, feature, actual } of answerFiles()) {
  for (const [client, { whole, stream }] of Object.entries(actual)) {
    const name = client as DialectName // a key of the clients' table
    test(`clients of ${client} assemble ${from}'s stream with ${feature} to its whole answer`, () => {
      assert.deepEqual(shown(streamed(name, stream)), shown(read(name, whole)))
    })
  }
}

for (const [upstream, { answers }] of Object.entries(UPSTREAMS)) {
  for (const [feature, { events }] of Object.entries(answers)) {
    test(`${upstream}'s stream with ${feature} never looks whole when it is cut`, () => {
      const dialect = UPSTREAM_DIALECTS[upstream as DialectName] // a key of the upstreams' table
      assert.ok(dialect)
      const ends = events.map((_, cut) => {
        const decoder = dialect.streamDecoder(CONTEXT)
        const told: StreamEvent[] = []
        for (const event of events.slice(0, cut)) decoder.push(event, (each) => told.push(each))
        decoder.close((each) => told.push(each))
        assert.equal(told.filter(({ type }) => type === 'end' || type === 'fault').length, 1, `cut at ${cut}`)
        return told.at(-1)?.type
      })
      // Some vendors say all before their last event: from there on the answer is whole.
      const whole = ends.indexOf('end')
      assert.ok(ends.slice(0, whole < 0 ? undefined : whole).every((type) => type === 'fault'))
      assert.ok(
        ends.slice(0, stopAt(events)).every((type) => type === 'fault'),
        'whole before the reason to stop',
      )
    })
  }
}

/** The index of the event that tells why the model stopped. */
function stopAt(events: readonly WireEvent[]): number {
  const found = events.findIndex(({ data }) =>
    /"(?:finish_reason|stop_reason|finishReason|stopReason)":"|"blockReason":|"status":"(?:completed|incomplete)"/.test(
      data,
    ),
  )
  return found < 0 ? events.length : found
}

function read(client: DialectName, body: unknown): readonly Choice[] {
  const answer = isObject(body) ? UPSTREAM_DIALECTS[client]?.decodeAnswer(body, CONTEXT) : undefined
  assert.ok(answer !== undefined && 'choices' in answer)
  return answer.choices
}

function streamed(client: DialectName, stream: readonly string[]): readonly Choice[] {
  const decoder = UPSTREAM_DIALECTS[client]?.streamDecoder(CONTEXT)
  const assembler = new AnswerAssembler(client)
  const take = (event: StreamEvent) => assembler.push(event)
  for (const text of stream) {
    const name = /^event: (.*)$/m.exec(text)?.[1] ?? null
    const data = [...text.matchAll(/^data: ?(.*)$/gm)].map(([, line]) => line).join('\n')
    decoder?.push({ name, data }, take)
  }
  decoder?.close(take)
  const answer = assembler.answer()
  assert.ok(answer !== null && 'choices' in answer, JSON.stringify(answer))
  return answer.choices
}

/**
 * What a client sees of choices. Names that are made anew are left out; seals are, too, since a whole answer unwraps those of
 * other vendors; and a call that was cut is an object where only objects can be told.
 */
function shown(choices: readonly Choice[]): unknown {
  const plain = choices.map((choice) => ({
    ...choice,
    parts: choice.parts
      .filter((part) => part.type !== 'reasoning' || part.text !== '')
      .map((part) => (part.type === 'tool-call' ? { ...part, arguments: cutOf(part.arguments) } : part)),
  }))
  return JSON.parse(JSON.stringify(plain, (key, value: unknown) => (HIDDEN.has(key) ? undefined : value)))
}

const HIDDEN: ReadonlySet<string> = new Set(['itemId', 'extra', 'id', 'signature', 'sealed'])

function cutOf(text: string): string {
  const value: unknown = text.startsWith('{"invalid_arguments"') ? JSON.parse(text) : null
  return isObject(value) ? String(value['invalid_arguments']) : text
}
