import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeUsage as claude } from '../dialects/anthropic-messages/usage.ts'
import { decodeUsage as converse } from '../dialects/bedrock-converse/usage.ts'
import { decodeUsage as cohere } from '../dialects/cohere/usage.ts'
import { decodeUsage as gemini } from '../dialects/gemini/usage.ts'
import { decodeUsage as chat } from '../dialects/openai-chat/usage.ts'
import { decodeUsage as responses } from '../dialects/openai-responses/usage.ts'
import type { TokenUsage } from '../ir/answer.ts'
import type { JsonObject } from '../ir/json.ts'
import { believed } from './believable.ts'
import { usageOfTokens } from './token-usage.ts'

const REPORTS: Readonly<Record<string, (tokens: number) => TokenUsage>> = {
  'anthropic-messages': (tokens) => claude({ input_tokens: tokens, output_tokens: 2 }),
  'anthropic-messages, cached': (tokens) => claude({ input_tokens: 1, cache_read_input_tokens: tokens }),
  'bedrock-converse': (tokens) => converse({ inputTokens: 1, outputTokens: tokens }),
  'openai-chat': (tokens) => chat({ prompt_tokens: tokens, completion_tokens: 2 }) ?? { input: 0, output: 0 },
  'openai-responses': (tokens) => responses({ input_tokens: 1, output_tokens: tokens }) ?? { input: 0, output: 0 },
  gemini: (tokens) => gemini({ promptTokenCount: tokens, candidatesTokenCount: 2 } satisfies JsonObject, 0),
  cohere: (tokens) => cohere({ billed_units: { input_tokens: tokens, output_tokens: 2 } }),
}

for (const [dialect, report] of Object.entries(REPORTS)) {
  test(`a report with an absurd number is not believed, and never one of nothing: ${dialect}`, () => {
    for (const tokens of [1e308, Number.MAX_SAFE_INTEGER, 1e15, 2e8, Number.POSITIVE_INFINITY]) {
      assert.equal(believed(usageOfTokens(report(tokens))), null, String(tokens))
    }
    for (const tokens of [0, 7, 2_000_000]) assert.ok(believed(usageOfTokens(report(tokens))) !== null, String(tokens))
  })
}

test('a batch uses what all its requests use', () => {
  const usage = usageOfTokens({ input: 5_000_000_000, output: 1 })
  assert.equal(believed(usage), null)
  assert.equal(believed(usage, 'batch'), usage)
  assert.equal(believed(usageOfTokens({ input: 1.5, output: 1 })), null)
})
