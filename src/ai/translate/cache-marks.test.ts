import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message, ModelRequest, Tool } from '../ir/request.ts'
import { withCacheMarks } from './cache-marks.ts'

const LONG = 'word '.repeat(2_000)
const text = (words: string) => [{ type: 'text' as const, text: words }]
const request = (messages: readonly Message[], tools: readonly Tool[] = []): ModelRequest => {
  return { dialect: 'openai-chat', model: 'm', messages, tools, parameters: {}, stream: false }
}
const tool = (description: string): Tool => ({ type: 'function', name: 'f', description })

/** What carries a mark, in the order of the prompt. */
function marks({ tools, messages }: ModelRequest): string[] {
  const places = tools.flatMap((each, at) => ('cache' in each && each.cache !== undefined ? [`tool ${at}`] : []))
  for (const [at, { parts }] of messages.entries()) {
    for (const [index, part] of parts.entries()) {
      if ('cache' in part && part.cache !== undefined) places.push(`message ${at}.${index}`)
    }
  }
  return places
}

test('marks tools, instructions and the newest turn, each when the prompt up to there is long enough', () => {
  const conversation = (system: string, user: string): Message[] => [
    { role: 'system', authority: 'system', parts: text(system) },
    { role: 'user', parts: text('a') },
    { role: 'assistant', parts: text('b') },
    { role: 'user', parts: [...text(user), { type: 'audio', source: { kind: 'file', id: 'x' } }] },
  ]
  const all = withCacheMarks(request(conversation('s', 'u'), [tool('x'), tool(LONG)]), 1_024)
  assert.deepEqual(marks(all), ['tool 1', 'message 0.0', 'message 3.0'])
  const later = withCacheMarks(request(conversation(LONG, 'u'), [tool('x')]), 1_024)
  assert.deepEqual(marks(later), ['message 0.0', 'message 3.0'])
  assert.deepEqual(marks(withCacheMarks(request(conversation('s', LONG)), 1_024)), ['message 3.0'])
  assert.deepEqual(marks(withCacheMarks(request(conversation('s', LONG)), 4_096)), [])
})

test('marks the result of a call, and no text that is empty', () => {
  const result: Message = {
    role: 'tool',
    parts: ['1', '2'].map((callId) => ({ type: 'tool-result', callId, content: text(LONG), isError: false })),
  }
  assert.deepEqual(marks(withCacheMarks(request([{ role: 'user', parts: text('a') }, result]), 1_024)), ['message 1.1'])
  const empty = request([{ role: 'user', parts: [...text(LONG), ...text(' ')] }])
  assert.deepEqual(marks(withCacheMarks(empty, 1_024)), [])
})

test('leaves alone what a client marked anywhere', () => {
  const own = request([{ role: 'user', parts: [{ type: 'text', text: 'a', cache: {} }] }], [tool(LONG)])
  assert.equal(withCacheMarks(own, 1_024), own)
})
