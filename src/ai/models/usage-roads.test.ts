import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DialectName } from '../dialects/name.ts'
import { DIALECT_NAMES, dialectOf, loadDialects } from '../dialects/tables.ts'
import type { JsonObject } from '../ir/json.ts'
import { Losses } from '../ir/losses.ts'
import { AnyUsage } from '../operations/forward/any-usage.ts'
import { LongAnswer } from '../relay/long-answer.ts'
import { readUsage } from '../relay/usage.ts'
import type { Usage } from './price.ts'
import { withWays } from './service-tier.ts'
import { usageOfTokens } from './token-usage.ts'

/*
 * The same answer costs the same on every road: relayed, relayed though it is long, translated, and passed through by a path
 * that nobody here knows; whole and streamed.
 */

await loadDialects(DIALECT_NAMES)

const CHAT_USAGE = {
  prompt_tokens: 1_000,
  completion_tokens: 500,
  total_tokens: 1_500,
  prompt_tokens_details: { cached_tokens: 300, audio_tokens: 100 },
  completion_tokens_details: { reasoning_tokens: 200, audio_tokens: 50 },
}
const MESSAGES_USAGE = {
  input_tokens: 100,
  cache_read_input_tokens: 50,
  cache_creation_input_tokens: 1_000,
  cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 800 },
  output_tokens: 70,
  server_tool_use: { web_search_requests: 2 },
  service_tier: 'priority',
  speed: 'fast',
  inference_geo: 'us',
}
const GEMINI_USAGE = {
  promptTokenCount: 400,
  cachedContentTokenCount: 100,
  toolUsePromptTokenCount: 30,
  candidatesTokenCount: 60,
  thoughtsTokenCount: 20,
  totalTokenCount: 510,
  promptTokensDetails: [
    { modality: 'AUDIO', tokenCount: 40 },
    { modality: 'TEXT', tokenCount: 360 },
  ],
  trafficType: 'ON_DEMAND_PRIORITY',
}
const CANDIDATE = {
  index: 0,
  content: { role: 'model', parts: [{ text: 'x' }] },
  finishReason: 'STOP',
  groundingMetadata: { webSearchQueries: ['a', 'b', 'c'] },
}
const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'm',
  service_tier: 'flex',
  output: [
    { id: 'ws_1', type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'q' } },
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'x', annotations: [] }],
    },
  ],
  usage: {
    input_tokens: 900,
    input_tokens_details: { cached_tokens: 100 },
    output_tokens: 400,
    output_tokens_details: { reasoning_tokens: 150 },
    total_tokens: 1_300,
  },
}

interface Case {
  readonly dialect: DialectName
  readonly answer: JsonObject
  readonly expected: Partial<Usage>
  /** The same as events; the first tells what only the first tells. */
  readonly events?: readonly JsonObject[]
}

const CASES: readonly Case[] = [
  {
    dialect: 'openai-chat',
    answer: {
      id: 'x',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      service_tier: 'flex',
      choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
      usage: { ...CHAT_USAGE, cost: 0.5, is_byok: true, cost_details: { upstream_inference_cost: 1.25 } },
    },
    expected: {
      inputTokens: 600,
      cacheReadTokens: 300,
      audioInputTokens: 100,
      outputTokens: 250,
      reasoningTokens: 200,
      audioOutputTokens: 50,
      serviceTier: 'flex',
      costNanos: 1_750_000_000,
    },
  },
  {
    dialect: 'openai-responses',
    answer: RESPONSE,
    expected: {
      inputTokens: 800,
      cacheReadTokens: 100,
      outputTokens: 250,
      reasoningTokens: 150,
      webSearches: 1,
      serviceTier: 'flex',
    },
    events: [{ type: 'response.completed', response: RESPONSE }],
  },
  {
    dialect: 'anthropic-messages',
    answer: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'text', text: 'x' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: MESSAGES_USAGE,
    },
    expected: {
      inputTokens: 100,
      cacheReadTokens: 50,
      cacheWriteTokens: 200,
      cacheWrite1hTokens: 800,
      outputTokens: 70,
      webSearches: 2,
      serviceTier: 'priority',
      speed: 'fast',
      region: 'us',
    },
    events: [
      { type: 'message_start', message: { usage: { ...MESSAGES_USAGE, output_tokens: 1, server_tool_use: null } } },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: { output_tokens: 70, server_tool_use: { web_search_requests: 2 } },
      },
    ],
  },
  {
    dialect: 'gemini',
    answer: { candidates: [CANDIDATE], usageMetadata: GEMINI_USAGE, modelVersion: 'm' },
    expected: {
      inputTokens: 290,
      cacheReadTokens: 100,
      audioInputTokens: 40,
      outputTokens: 60,
      reasoningTokens: 20,
      webSearches: 3,
      serviceTier: 'priority',
    },
    events: [
      { candidates: [{ index: 0, content: CANDIDATE.content }], usageMetadata: { promptTokenCount: 400 } },
      { candidates: [CANDIDATE], usageMetadata: GEMINI_USAGE },
    ],
  },
  {
    dialect: 'bedrock-converse',
    answer: {
      output: { message: { role: 'assistant', content: [{ text: 'x' }] } },
      stopReason: 'end_turn',
      serviceTier: { type: 'flex' },
      usage: {
        inputTokens: 10,
        outputTokens: 5,
        totalTokens: 1_045,
        cacheReadInputTokens: 30,
        cacheWriteInputTokens: 1_000,
        cacheDetails: [{ ttl: '1h', inputTokens: 600 }],
      },
    },
    expected: {
      inputTokens: 10,
      cacheReadTokens: 30,
      cacheWriteTokens: 400,
      cacheWrite1hTokens: 600,
      outputTokens: 5,
      serviceTier: 'flex',
    },
  },
]

/** Without counters that are zero: absent and zero are the same. */
function counted(usage: Usage | null | undefined): object {
  return Object.fromEntries(Object.entries(usage ?? {}).filter(([, value]) => value !== undefined && value !== 0))
}

function relayed(dialect: DialectName, answer: JsonObject): Usage | null {
  const { meter } = dialectOf(dialect)
  if (meter === undefined) return readUsage(answer)
  const tokens = meter.readUsage(answer)
  return tokens === null ? null : usageOfTokens(tokens)
}

for (const { dialect, answer, expected, events } of CASES) {
  test(`an answer of ${dialect} is counted the same on every road`, () => {
    const { upstream } = dialectOf(dialect)
    assert.ok(upstream !== undefined)
    const decoded = upstream.decodeAnswer(answer, { losses: new Losses(), ids: { next: () => 'x' } })
    assert.ok('choices' in decoded && decoded.usage !== undefined)
    const translated = withWays(usageOfTokens(decoded.usage), { tier: decoded.serviceTier })
    assert.deepEqual(counted(translated), expected, 'translated')
    assert.deepEqual(counted(new AnyUsage().read(answer)), expected, 'passed through')
    // Bedrock's dialect is no client's: nothing is relayed in it.
    if (dialect !== 'bedrock-converse') {
      assert.deepEqual(counted(relayed(dialect, answer)), expected, 'relayed')
      const long = new LongAnswer()
      const text = Buffer.from(JSON.stringify({ padding: 'x'.repeat(400_000), ...answer }))
      for (let at = 0; at < text.length; at += 65_536) long.push(text.subarray(at, at + 65_536))
      assert.deepEqual(counted(relayed(dialect, long.members() ?? {})), expected, 'relayed, and long')
    }
    if (events === undefined) return
    const meter = dialectOf(dialect).meter?.stream()
    const passed = new AnyUsage()
    for (const event of events) {
      meter?.read(event)
      passed.read(event)
    }
    assert.ok(meter?.usage !== null && meter?.usage !== undefined)
    assert.deepEqual(counted(usageOfTokens(meter.usage)), expected, 'relayed as a stream')
    assert.deepEqual(counted(passed.usage), expected, 'passed through as a stream')
  })
}

test('what an upstream says of its cost is read in each form that a vendor documents, and a router’s fee alone is none', () => {
  const cost = (usage: JsonObject) => readUsage({ usage: { ...CHAT_USAGE, ...usage } })?.costNanos
  assert.equal(cost({ cost: 0.5 }), 500_000_000)
  assert.equal(cost({ cost: 0 }), 0)
  assert.equal(cost({ cost: { total_cost: 0.25 } }), 250_000_000)
  assert.equal(cost({ cost_in_usd_ticks: 37_756_000 }), 3_775_600)
  assert.equal(cost({ cost: 0.5, is_byok: false, cost_details: { upstream_inference_cost: 0.5 } }), 500_000_000)
  assert.equal(cost({ cost: 0, is_byok: true, cost_details: { upstream_inference_cost: 0.5 } }), 500_000_000)
  for (const wrong of [{ cost: 0, is_byok: true }, { cost: -1 }, { cost: '1' }, { cost: Number.NaN }, {}]) {
    assert.equal(cost(wrong), undefined, JSON.stringify(wrong))
  }
})
