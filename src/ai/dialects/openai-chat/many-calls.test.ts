import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamEvent } from '../../ir/answer.ts'
import { Losses } from '../../ir/losses.ts'
import { ChatStreamDecoder } from './decode-stream.ts'

/** Milliseconds of CPU for a stream of so many parallel calls. */
function costOf(calls: number): number {
  const decoder = new ChatStreamDecoder({ losses: new Losses(), ids: { next: (prefix) => prefix } })
  const told: StreamEvent[] = []
  const take = (event: StreamEvent) => told.push(event)
  const before = process.cpuUsage()
  for (let index = 0; index < calls; index++) {
    const call = { index, id: `call_${index}`, type: 'function', function: { name: 'f', arguments: '{"a":1}' } }
    const choices = [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }]
    decoder.push({ name: null, data: JSON.stringify({ id: 'c', model: 'm', choices }) }, take)
  }
  decoder.push({ name: null, data: '{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}' }, take)
  decoder.push({ name: null, data: '[DONE]' }, take)
  assert.equal(told.filter(({ type }) => type === 'part-end').length, calls)
  assert.equal(told.at(-1)?.type, 'end')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

test('a stream with very many parallel calls costs as much for each as one with few', () => {
  costOf(2_000)
  const [few, many] = [costOf(4_000), costOf(32_000)]
  // Eight times the calls; sixty-four times the work would be quadratic.
  assert.ok(many < few * 24 + 200, `${few} ms and ${many} ms`)
})
