import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { chatScene, SECRET } from '../../../test/request-path/chat.ts'
import { GatewayError } from '../../core/index.ts'
import type { ConversationState } from '../conversation/conversation-state.ts'
import { EventStream } from './event-stream.ts'

const delta = (content: string, finish: string | null = null, index = 0) => ({
  id: 'c-1',
  choices: [{ index, delta: { content }, finish_reason: finish }],
})
const USAGE = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const lines = (...values: readonly unknown[]) => values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join('')
const DONE = 'data: [DONE]\n\n'
const WHOLE = lines(delta('a'), delta('b'), delta('', 'stop'))

interface Result {
  readonly text: string
  readonly error: GatewayError | null
  readonly state: ConversationState
  readonly end: string
}

/** Runs a stream to its end in the given pieces; the answer's head is sent with the first bytes. */
function run(pieces: readonly (string | Buffer)[], { asksUsage = false, headSent = true, n = 1 } = {}): Result {
  const fields = { stream: true, n, ...(asksUsage ? { stream_options: { include_usage: true } } : {}) }
  const { x, state, target } = chatScene(fields)
  if (headSent) x.client.start(200, [])
  const stream = new EventStream(x, target, state)
  const out: Buffer[] = []
  for (const piece of pieces) {
    const given = stream.push(Buffer.from(piece as string))
    if (given instanceof GatewayError) return { text: Buffer.concat(out).toString(), error: given, state, end: x.end }
    if (given !== null) {
      out.push(Buffer.from(given))
      if (!x.client.headSent) x.client.start(200, [])
    }
  }
  const last = stream.end()
  if (last !== null && !(last instanceof GatewayError)) out.push(Buffer.from(last))
  return { text: Buffer.concat(out).toString(), error: last instanceof GatewayError ? last : null, state, end: x.end }
}

/** What an event source gives its listeners. */
function eventsOf(text: string): { event: string | undefined; data: string }[] {
  const events: { event: string | undefined; data: string }[] = []
  const parser = createParser({ onEvent: ({ event, data }) => events.push({ event, data }) })
  parser.feed(text)
  return events
}

test('a stream whose client asked for usage passes byte for byte', () => {
  const streams = [
    WHOLE + DONE,
    `${WHOLE}${lines({ id: 'c-1', choices: [], usage: USAGE })}${DONE}`,
    `${lines({ ...delta('a'), usage: null }, { ...delta('', 'stop'), usage: USAGE })}${DONE}`,
    `: comment\n\nid: 1\nretry: 5\n${WHOLE}${DONE}`,
    (WHOLE + DONE).replaceAll('\n', '\r\n'),
    (WHOLE + DONE).replaceAll('data: ', 'data:'),
    `\ufeff${WHOLE}${DONE}`,
  ]
  for (const text of streams) {
    const result = run([text], { asksUsage: true })
    assert.deepEqual([result.text, result.error], [text, null])
  }
})

test('usage that only the gateway asked for is read and taken out', () => {
  const rows: readonly (readonly [what: string, stream: string, left: string])[] = [
    ['an event of its own', `${WHOLE}${lines({ id: 'c-1', choices: [], usage: USAGE })}${DONE}`, WHOLE + DONE],
    ['an event without choices', `${WHOLE}${lines({ id: 'c-1', usage: USAGE })}${DONE}`, WHOLE + DONE],
    [
      'null in every event',
      `${lines({ ...delta('a'), usage: null })}${lines({ choices: [], usage: USAGE })}${DONE}`,
      `${lines(delta('a'))}${DONE}`,
    ],
    [
      'within the last event',
      `${lines({ ...delta('', 'stop'), usage: USAGE })}${DONE}`,
      `${lines(delta('', 'stop'))}${DONE}`,
    ],
    [
      'first in its event',
      `${lines({ usage: USAGE, ...delta('', 'stop') })}${DONE}`,
      `${lines(delta('', 'stop'))}${DONE}`,
    ],
    [
      'spaced',
      `data: {"id":"c-1", "usage" : ${JSON.stringify(USAGE)} , "choices":[{}]}\n\n${DONE}`,
      `data: {"id":"c-1", "choices":[{}]}\n\n${DONE}`,
    ],
    [
      'with CRLF',
      (lines({ ...delta('a'), usage: USAGE }) + DONE).replaceAll('\n', '\r\n'),
      (lines(delta('a')) + DONE).replaceAll('\n', '\r\n'),
    ],
    [
      'with other fields',
      `event: message\nid: 4\ndata: ${JSON.stringify({ ...delta('a'), usage: USAGE })}\n\n${DONE}`,
      `event: message\nid: 4\ndata: ${JSON.stringify(delta('a'))}\n\n${DONE}`,
    ],
  ]
  for (const [what, stream, left] of rows) {
    const result = run([stream])
    assert.equal(result.error, null, what)
    assert.equal(result.text, left, what)
    assert.deepEqual([result.state.usage?.inputTokens, result.state.usage?.outputTokens], [7, 3], what)
  }
})

test('an event whose usage is null belongs to the client, whether it has choices or not', () => {
  const filter = { choices: [], prompt_filter_results: [{ prompt_index: 0 }] }
  for (const text of [
    `data: ${JSON.stringify({ ...filter, usage: null })}\n\n`,
    `data: ${JSON.stringify({ usage: null, ...filter })}\n\n`,
    `data: {"usage" : null, "choices":[],"prompt_filter_results":[{"prompt_index":0}]}\n\n`,
  ]) {
    const { text: left } = run([text + WHOLE + DONE])
    const [first] = eventsOf(left)
    assert.deepEqual(JSON.parse(first?.data ?? ''), filter, text)
  }
})

test('what only looks like usage or an error passes', () => {
  const events = [
    delta('"usage":{"prompt_tokens":1,"completion_tokens":1}'),
    delta('"error":{"message":"x"}'),
    { ...delta('a'), error: null },
    { ...delta('a'), other: { usage: USAGE, error: { message: 'x' } } },
    { ...delta('', 'stop'), other: { usage: null } },
  ]
  const text = lines(...events) + DONE
  const result = run([text])
  assert.deepEqual([result.text, result.error, result.end, result.state.usage], [text, null, 'success', null])
})

test('a stream that ends without its terminator is an error, unless its last choice finished', () => {
  const rows: readonly (readonly [what: string, pieces: readonly string[], complete: boolean])[] = [
    ['terminator', [WHOLE, DONE], true],
    ['terminator without its blank line', [WHOLE, 'data: [DONE]'], true],
    ['terminator with half of it', [WHOLE, 'data: [DONE]\n'], true],
    ['finished', [WHOLE], true],
    ['finished, then usage', [WHOLE, lines({ choices: [], usage: USAGE })], true],
    ['finished, then usage and a comment', [WHOLE, lines({ choices: [], usage: USAGE }), ': bye\n\n'], true],
    ['finished, then usage and a line feed', [WHOLE, lines({ choices: [], usage: USAGE }), '\n'], true],
    [
      'finished, event by event',
      [lines(delta('a')), lines(delta('', 'stop')), lines({ choices: [], usage: USAGE })],
      true,
    ],
    ['finished, without the last blank line', [WHOLE.slice(0, -2)], true],
    ['not finished', [lines(delta('a'), delta('b'))], false],
    ['nothing', [], false],
    ['comments only', [': a\n\n'], false],
    ['words of an end in the text', [lines(delta('"finish_reason":"stop"'))], false],
    ['cut within an event', [lines(delta('a')), 'data: {"id":"c-1","cho'], false],
    ['cut within the event that finishes', [lines(delta('a')), lines(delta('', 'stop')).slice(0, -6)], false],
    [
      'cut after a brace',
      [WHOLE, 'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"x":{}'],
      false,
    ],
    ['cut within the name of the field', [lines(delta('a')), 'dat'], false],
  ]
  for (const [what, pieces, complete] of rows) {
    const result = run(pieces)
    assert.equal(result.error?.code ?? null, complete ? null : 'upstream_truncated', what)
    // What is forwarded is whole events, so that another may follow.
    assert.ok(result.text === '' || result.text.endsWith('\n\n'), what)
    for (const { data } of eventsOf(result.text)) if (data !== '[DONE]') JSON.parse(data)
  }
})

test('of several choices every one that began must have finished, where there is no terminator', () => {
  const finished = (index: number) => delta('', 'stop', index)
  const filtered = { choices: [{ index: 0, finish_reason: null, content_filter_results: {} }] }
  const rows: readonly (readonly [what: string, pieces: readonly string[], complete: boolean])[] = [
    ['both finished', [lines(delta('a'), delta('b', null, 1), finished(1), finished(0))], true],
    ['both finished in one event', [lines({ choices: [...finished(0).choices, ...finished(1).choices] })], true],
    ['one of two finished', [lines(delta('a'), delta('b', null, 1), finished(0))], false],
    ['one finished at last', [lines(delta('b', null, 1)), lines(delta('a')), lines(finished(0))], false],
    [
      'one finished long ago',
      [lines(finished(0)), ...['c', 'd', 'e'].map((text) => lines(delta(text, null, 1)))],
      false,
    ],
    ['one cut, then the terminator', [lines(delta('b', null, 1), finished(0)), DONE], true],
    ['the second never began', [lines(delta('a'), finished(0))], true],
    ['finished long ago', [lines(finished(0), finished(1)), ...[1, 2, 3].map(() => lines({ choices: [] }))], true],
    ['word of a filter after the end', [lines(finished(0), finished(1), filtered)], true],
    ['finished, without the last blank line', [lines(finished(0), finished(1)).slice(0, -2)], true],
    ['events of several lines', [`event: message\n${lines(delta('b', null, 1))}${lines(finished(0))}`], false],
    ['nothing but usage', [lines({ choices: [], usage: USAGE })], false],
    ['no choice has a number', [lines({ choices: [{ finish_reason: 'stop' }, null, 1] })], true],
    ['choices without end', [lines(...Array.from({ length: 1_100 }, (_, index) => delta('', 'stop', index)))], false],
  ]
  for (const [what, pieces, complete] of rows) {
    assert.equal(run(pieces, { n: 2 }).error?.code ?? null, complete ? null : 'upstream_truncated', what)
  }
})

test('valid events in front of one that must not go on reach the client before the error', () => {
  const before = lines(delta('a'), delta('b'))
  const bads = ['data: hello\n\n', lines({ error: { message: `bad key ${SECRET}` } }), `data: {"a":\n\n`]
  for (const bad of bads) {
    for (const pieces of [
      [before + bad, lines(delta('c'))],
      [before + bad + lines(delta('c'))],
      [lines(delta('a')), lines(delta('b')) + bad],
      [before + bad],
    ]) {
      const result = run(pieces, { headSent: false })
      assert.equal(result.text, before, bad)
      assert.notEqual(result.error, null, bad)
      assert.ok(!result.error?.message.includes(SECRET))
    }
  }
  const withUsage = lines(delta('a'), { ...delta('b'), usage: null }, { choices: [], usage: USAGE })
  const result = run([`${withUsage}data: x\n\n`], { headSent: false })
  assert.equal(result.text, before)
  assert.equal(result.state.deliveredTokens, run([withUsage]).state.deliveredTokens)
})

test('what only a comment stands before is still the whole answer to the request', () => {
  const result = run([`: hello\n\n${lines({ error: { message: 'too busy' } })}`], { headSent: false })
  assert.deepEqual([result.text, result.error?.code, result.state.answered], ['', 'upstream_error', false])
})

test('an error as the first event becomes an error answer', () => {
  const streams = [
    lines({ error: { message: 'too busy', type: 'server_error' } }),
    lines({ error: 'too busy' }),
    `event: error\ndata: {"message":"too busy"}\n\n`,
    `event:error\r\ndata: {"error":{"message":"too busy"}}\r\n\r\n`,
    `data: {"error": {"message":\ndata: "too busy"}}\n\n`,
  ]
  for (const stream of streams) {
    const result = run([stream + DONE], { headSent: false })
    assert.equal(result.error?.code, 'upstream_error', stream)
    assert.match(result.error?.message ?? '', /too busy/)
    assert.equal(result.text, '')
    assert.equal(result.state.answered, false)
  }
})

test('an error later in the stream reaches the client, and the request counts as failed', () => {
  for (const failure of [
    lines({ error: { message: 'broke' } }),
    'event: error\ndata: {"error":{"message":"broke"}}\n\n',
  ]) {
    for (const pieces of [
      [WHOLE + failure],
      [WHOLE, failure],
      [lines(delta('a')), failure],
      [lines(delta('a')) + failure],
    ]) {
      const result = run(pieces, { headSent: false })
      assert.deepEqual([result.text, result.error, result.end], [pieces.join(''), null, 'upstream_error'])
    }
  }
})

test('behind an error of the upstream nothing follows that would make a whole answer of it', () => {
  const failure = lines({ error: { message: 'broke' } })
  for (const pieces of [[WHOLE + failure + WHOLE], [WHOLE, failure, WHOLE], [WHOLE, failure + WHOLE, WHOLE]]) {
    const result = run(pieces, { headSent: true })
    assert.deepEqual([result.text, result.end], [WHOLE + failure, 'upstream_error'])
  }
})

test('an error that quotes the credential is not passed on', () => {
  const failure = lines({ error: { message: `bad key ${SECRET}` } })
  for (const pieces of [[failure], [lines(delta('a')), failure]]) {
    const result = run(pieces, { headSent: false })
    assert.ok(result.error !== null)
    assert.ok(!result.error.message.includes(SECRET))
    assert.ok(!result.text.includes(SECRET))
  }
})

test('what is not JSON is an error, and an event that is too large is one', () => {
  for (const bad of ['data: hello\n\n', 'data: {"a":\n\n', 'data: []\n\n', 'data: {}{}x\n\n', 'data:\ndata: x\n\n']) {
    assert.equal(run([lines(delta('a')), bad]).error?.code, 'upstream_invalid_response', bad)
  }
  assert.equal(run([`data: {"a":"${'x'.repeat(1_100_000)}`]).error?.code, 'upstream_invalid_response')
})

test('counts what was delivered, as the base for an estimate', () => {
  const tokens = Array.from({ length: 20 }, () => delta('ab'))
  const { state } = run([lines(...tokens)])
  assert.equal(state.deliveredTokens, 20)
  assert.ok(run([lines(...tokens, delta('x'.repeat(300)))]).state.deliveredTokens > 100)
  assert.equal(run([': only\n\n']).state.deliveredTokens, 0)
})

/** One event as an upstream may write it. */
interface Written {
  readonly value: object | null
  readonly extra: 'none' | 'comment' | 'id' | 'event' | 'split'
  readonly space: boolean
}

const content = fc.string({ unit: 'binary', maxLength: 20 })
const chunk = fc.oneof(
  { weight: 6, arbitrary: content.map((text) => delta(text)) },
  { weight: 2, arbitrary: content.map((text) => ({ ...delta(text), usage: null })) },
  { weight: 1, arbitrary: content.map((text) => ({ usage: null, ...delta(text) })) },
  { weight: 1, arbitrary: fc.constant({ ...delta('', 'stop'), usage: USAGE }) },
  { weight: 1, arbitrary: fc.constant({ id: 'c-1', choices: [], usage: USAGE }) },
  { weight: 1, arbitrary: fc.constant({ choices: [], usage: null }) },
  { weight: 1, arbitrary: fc.constant({ ...delta('x'), error: null, n: 1.5e300 }) },
  { weight: 1, arbitrary: fc.constant(null) },
)
const written: fc.Arbitrary<Written> = fc.record({
  value: chunk,
  extra: fc.constantFrom('none', 'none', 'none', 'comment', 'id', 'event', 'split'),
  space: fc.boolean(),
})
const NEWLINES = ['\n', '\n', '\r\n', '\r'] as const

function write({ value, extra, space }: Written, newline: string): string {
  if (value === null) return `: keep-alive${newline}${newline}`
  const name = space ? 'data: ' : 'data:'
  let json = JSON.stringify(value)
  // A line may be cut where JSON allows space.
  if (extra === 'split') json = json.replace('":[', `":${newline}${name}[`)
  const before = {
    none: '',
    comment: `: x${newline}`,
    id: `id: 5${newline}`,
    event: `event: message${newline}`,
    split: '',
  }[extra]
  return `${before}${name}${json}${newline}${newline}`
}

const withoutBlankLines = (text: string) => text.replace(/(\r\n|\n|\r)+/g, '\n').replace(/^\n/, '')

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...at].map((start, index) => bytes.subarray(start, at[index] ?? bytes.length))
}

test('however a stream is cut into pieces, the client gets the same bytes', () => {
  fc.assert(
    fc.property(
      fc.array(written, { maxLength: 8 }),
      fc.constantFrom(...NEWLINES),
      fc.array(fc.nat(), { maxLength: 30 }),
      fc.boolean(),
      (events, newline, places, asksUsage) => {
        const bytes = Buffer.from(
          `${events.map((event) => write(event, newline)).join('')}data: [DONE]${newline}${newline}`,
        )
        const whole = run([bytes], { asksUsage })
        const pieces = run(cut(bytes, places), { asksUsage })
        assert.equal(pieces.error, null)
        // A cut within a CRLF may leave the second half of a blank line whose event was taken out.
        assert.equal(withoutBlankLines(pieces.text), withoutBlankLines(whole.text))
        if (newline === '\n') assert.equal(pieces.text, whole.text)
        assert.deepEqual(pieces.state.usage, whole.state.usage)
        if (newline !== '\r\n') assert.equal(pieces.state.deliveredTokens, whole.state.deliveredTokens)
        if (asksUsage) assert.equal(pieces.text, bytes.toString())
      },
    ),
    { numRuns: 500 },
  )
})

test('what the client gets equals a run in which nobody asked for usage', () => {
  const withoutUsage = (value: object) => {
    const { usage, ...rest } = value as { usage?: object | null; choices: unknown[] }
    return usage !== null && usage !== undefined && rest.choices.length === 0 ? null : rest
  }
  fc.assert(
    fc.property(fc.array(written, { maxLength: 8 }), fc.constantFrom(...NEWLINES), (events, newline) => {
      const text = `${events.map((event) => write(event, newline)).join('')}data: [DONE]${newline}${newline}`
      const expected = events.flatMap(({ value }) => {
        const left = value === null ? null : withoutUsage(value)
        return left === null ? [] : [left]
      })
      const got = eventsOf(run([text]).text).map(({ data }) => (data === '[DONE]' ? data : JSON.parse(data)))
      assert.deepEqual(got, [...expected, '[DONE]'])
    }),
    { numRuns: 500 },
  )
})
