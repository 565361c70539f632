import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countTokens as exactly } from 'gpt-tokenizer/encoding/o200k_base'
import type { ModelRequest } from '../ir/request.ts'
import { countTokens, estimateTokensOf } from './count-tokens.ts'
import { Tokenizer } from './tokenizer.ts'

const requestOf = (differences: Partial<ModelRequest> = {}): ModelRequest => ({
  dialect: 'openai-chat',
  model: 'x',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello there, how are you?' }] }],
  tools: [],
  parameters: {},
  stream: false,
  ...differences,
})

test('counts in a thread of its own, exactly where the encoding is known', async (t) => {
  const tokenizer = new Tokenizer()
  t.after(async () => await tokenizer.close())
  assert.equal(tokenizer.running, false, 'nothing is loaded before something is counted')
  assert.deepEqual(await countTokens('o200k_base', requestOf(), tokenizer), {
    tokens: exactly('Hello there, how are you?') + 6,
    exact: true,
  })
  const long = 'word '.repeat(20_000)
  const both = await Promise.all([tokenizer.count('o200k_base', [long, 'a']), tokenizer.count('o200k_base', ['a'])])
  assert.deepEqual(both, [exactly(long) + 1, 1])
})

test('what it cannot count is estimated, and says so', async (t) => {
  const tokenizer = new Tokenizer()
  t.after(async () => await tokenizer.close())
  const estimate = { tokens: estimateTokensOf(requestOf()), exact: false }
  assert.deepEqual(await countTokens(null, requestOf(), tokenizer), estimate)
  assert.equal(tokenizer.running, false)
  assert.deepEqual(await countTokens('nobody_knows', requestOf(), tokenizer), estimate)
  assert.equal(await tokenizer.count('o200k_base', ['x'.repeat(4_000_001)]), null, 'too long to wait for')
  const counted = tokenizer.count('o200k_base', ['a'])
  await tokenizer.close()
  assert.equal(await counted, null)
})

test('ends its thread when nothing was counted for a while, and starts it again', async (t) => {
  const tokenizer = new Tokenizer(1)
  t.after(async () => await tokenizer.close())
  for (let i = 0; i < 2; i++) {
    assert.equal(await tokenizer.count('o200k_base', ['a']), 1)
    assert.equal(tokenizer.running, true)
    await new Promise<void>((resolve) => {
      const look = (): void => void (tokenizer.running ? setTimeout(look, 1) : resolve())
      look()
    })
  }
})
