import assert from 'node:assert/strict'
import { DemoUpstream } from '../demo-upstream.ts'
import { chatRequest, exchange, type RecordedExchange } from './exchange.ts'

/** A demo provider whose clock stands still. */
export const upstream = (): DemoUpstream => new DemoUpstream({ now: () => 1_800_000_000_000 })

/** A chat completion, or an error. */
export interface Answer {
  id: string
  created: number
  model: string
  choices: {
    index: number
    message: { role: string; content: string | null; tool_calls?: Call[] }
    finish_reason: string
  }[]
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
  error?: { message: string; type: string; param: string | null; code: string | null }
}
/** A tool call; `index` in streams only. */
export interface Call {
  index?: number
  id: string
  type: string
  function: { name: string; arguments: string }
}
/** An event of a streamed chat completion. */
export interface Chunk {
  choices: {
    index: number
    delta: { role?: string; content?: string | null; tool_calls?: Call[] }
    finish_reason: string | null
  }[]
  usage?: Answer['usage'] | null
  error?: Answer['error']
}

/** A message of the user. */
export const user = (content: string): object => ({ role: 'user', content })
/** A request of one question. */
export const body = (question: string, more: object = {}): object => ({
  model: 'demo-chat',
  messages: [user(question)],
  ...more,
})

/** The answer to a question; fails when it is not 200. */
export async function ask(question: string, more: object = {}): Promise<Answer> {
  const { status, text, error } = await exchange(upstream(), chatRequest(body(question, more)))
  assert.equal(error, null)
  assert.equal(status, 200, text)
  return JSON.parse(text) as Answer // the tests say when it is not
}

/** The text of the first choice of the answer. */
export async function textOf(question: string, more: object = {}): Promise<string> {
  return (await ask(question, more)).choices[0]?.message.content ?? ''
}

/** Events of a stream, and whether it ended as it should. */
export function events(text: string): { chunks: Chunk[]; done: boolean } {
  const blocks = text.split('\n\n')
  assert.equal(blocks.pop(), '', 'the stream ends with a whole event')
  const data = blocks.map((block) => {
    assert.ok(block.startsWith('data: '))
    return block.slice(6)
  })
  const done = data.at(-1) === '[DONE]'
  // Each is an event of a completion, or the tests say what is missing.
  return { chunks: (done ? data.slice(0, -1) : data).map((each) => JSON.parse(each) as Chunk), done }
}

/** The text of one choice of a stream. */
export function streamed(chunks: readonly Chunk[], index = 0): string {
  return chunks
    .flatMap((chunk) => chunk.choices)
    .filter((choice) => choice.index === index)
    .map((choice) => choice.delta.content ?? '')
    .join('')
}

/** Asks a question and streams the answer. */
export async function stream(question: string, more: object = {}): Promise<RecordedExchange> {
  return exchange(upstream(), chatRequest(body(question, { stream: true, ...more })))
}
