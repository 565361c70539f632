import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tailUsage } from './tail-usage.ts'

const usage = (prompt: number) =>
  `{"prompt_tokens":${prompt},"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":0}}`

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
  for (const [text, prompt] of rows) {
    assert.equal(tailUsage(Buffer.from(text))?.inputTokens ?? null, prompt, text)
  }
})
