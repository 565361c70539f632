import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LongAnswer } from './long-answer.ts'
import { readUsage } from './usage.ts'

const usage = (prompt: number) =>
  `{"prompt_tokens":${prompt},"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":0}}`

function usageIn(...pieces: readonly string[]) {
  const answer = new LongAnswer()
  for (const piece of pieces) answer.push(Buffer.from(piece))
  const members = answer.members()
  return members === null ? null : readUsage(members)
}

test('finds the last usage object of a cut text', () => {
  const rows = [
    [`llo"}],"usage":${usage(3)}}`, 3],
    [`"usage" : \n ${usage(3)}, "id":"x"}`, 3],
    [`"usage":${usage(3)},"usage":${usage(4)}}`, 4],
    [`"usage":${usage(3)},"usage":null}`, 3],
    [`"usage":${usage(3)},"kind":"usage"}`, 3],
    [`"usage":${usage(3)},"text":"\\"usage\\":{\\"prompt_tokens\\":9}"}`, 3],
    ['"text":"\\"usage\\":{\\"prompt_tokens\\":9,\\"completion_tokens\\":1}"}', null],
    ['"usage":null}', null],
    ['"usage":{"prompt_tokens":1', null],
    ['"usage":{"prompt_tokens":-1,"completion_tokens":1}}', null],
    ['"usage"', null],
    ['', null],
  ] as const
  for (const [text, prompt] of rows) assert.equal(usageIn(text)?.inputTokens ?? null, prompt, text)
})

test('a long answer is read as a short one is, with its tier wherever that stands', () => {
  const text = 'x'.repeat(400_000)
  const before = `{"service_tier":"flex","choices":[{"message":{"content":"${text}"}}],"usage":${usage(5)}}`
  const halves = [before.slice(0, 100_000), before.slice(100_000)]
  assert.deepEqual([usageIn(...halves)?.inputTokens, usageIn(...halves)?.serviceTier], [5, 'flex'])
})

test('of an answer too long to be held, what stands at its end is read, its tier with it', () => {
  const piece = 'x'.repeat(1024 * 1024)
  const pieces = ['{"choices":[{"message":{"content":"', ...Array.from({ length: 17 }, () => piece)]
  const read = usageIn(...pieces, `"}}],"usage":${usage(7)},"service_tier":"flex"}`)
  assert.deepEqual([read?.inputTokens, read?.serviceTier], [7, 'flex'])
})
