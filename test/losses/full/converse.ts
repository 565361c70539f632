import type { JsonObject } from '../../../src/ai/ir/json.ts'
import type { Answers } from './events.ts'

const CONVERSE_CITATION = {
  title: 'title of source',
  source: 'source in words',
  sourceContent: [{ text: 'words of the source' }],
  location: { documentPage: { documentIndex: 2, start: 3, end: 4 } },
}
const CONVERSE_USAGE = {
  inputTokens: 25,
  outputTokens: 41,
  totalTokens: 108,
  cacheReadInputTokens: 12,
  cacheWriteInputTokens: 30,
  cacheDetails: [{ ttl: '1h', inputTokens: 10 }],
}
const CONVERSE_MORE = {
  trace: { guardrail: { modelOutput: ['output before it'], actionReason: 'reason of action' } },
  performanceConfig: { latency: 'optimized' },
  serviceTier: { type: 'priority' },
}
const CONVERSE_EVENTS: readonly (readonly [string, JsonObject])[] = [
  ['messageStart', { role: 'assistant' }],
  ['contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: 'thought in words' } } }],
  ['contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 'c2VhbCBvZiBpdA==' } } }],
  ['contentBlockStop', { contentBlockIndex: 0 }],
  ['contentBlockDelta', { contentBlockIndex: 1, delta: { text: 'said in words' } }],
  ['contentBlockDelta', { contentBlockIndex: 1, delta: { citation: CONVERSE_CITATION } }],
  ['contentBlockStop', { contentBlockIndex: 1 }],
  [
    'contentBlockStart',
    { contentBlockIndex: 2, start: { toolUse: { toolUseId: 'tooluse_full', name: 'get_weather' } } },
  ],
  ['contentBlockDelta', { contentBlockIndex: 2, delta: { toolUse: { input: '{}' } } }],
  ['contentBlockStop', { contentBlockIndex: 2 }],
  [
    'contentBlockStart',
    {
      contentBlockIndex: 3,
      start: { toolUse: { toolUseId: 'srvtoolu_full', name: 'nova_grounding', type: 'server_tool_use' } },
    },
  ],
  ['contentBlockDelta', { contentBlockIndex: 3, delta: { toolUse: { input: '{}' } } }],
  ['contentBlockStop', { contentBlockIndex: 3 }],
  [
    'contentBlockStart',
    { contentBlockIndex: 4, start: { toolResult: { toolUseId: 'srvtoolu_full', status: 'success' } } },
  ],
  ['contentBlockDelta', { contentBlockIndex: 4, delta: { toolResult: [{ text: 'result of it' }] } }],
  ['contentBlockStop', { contentBlockIndex: 4 }],
  ['contentBlockStart', { contentBlockIndex: 5, start: { image: { format: 'png' } } }],
  ['contentBlockDelta', { contentBlockIndex: 5, delta: { image: { source: { bytes: 'iVBORw0KGgo=' } } } }],
  ['contentBlockStop', { contentBlockIndex: 5 }],
  ['messageStop', { stopReason: 'end_turn', additionalModelResponseFields: { other: 'said beside it' } }],
  ['metadata', { usage: CONVERSE_USAGE, metrics: { latencyMs: 1234 }, ...CONVERSE_MORE }],
]

/** "Converse" (AWS, API reference, 2026-11). */
export const CONVERSE: Answers = {
  'every member': {
    whole: {
      output: {
        message: {
          role: 'assistant',
          content: [
            { reasoningContent: { reasoningText: { text: 'thought in words', signature: 'c2VhbCBvZiBpdA==' } } },
            { reasoningContent: { redactedContent: 'aGlkZGVuIHRob3VnaHQ=' } },
            { text: 'said in words' },
            { citationsContent: { content: [{ text: 'said with sources' }], citations: [CONVERSE_CITATION] } },
            { toolUse: { toolUseId: 'tooluse_full', name: 'get_weather', input: {} } },
            { toolUse: { toolUseId: 'srvtoolu_full', name: 'nova_grounding', input: {}, type: 'server_tool_use' } },
            {
              toolResult: {
                toolUseId: 'srvtoolu_full',
                content: [{ json: { found: 'result of it' } }],
                status: 'success',
              },
            },
            { image: { format: 'png', source: { bytes: 'iVBORw0KGgo=' } } },
          ],
        },
      },
      stopReason: 'end_turn',
      usage: CONVERSE_USAGE,
      metrics: { latencyMs: 1234 },
      additionalModelResponseFields: { stop_sequence: 'END OF IT', other: 'said beside it' },
      ...CONVERSE_MORE,
    },
    events: CONVERSE_EVENTS.map(([name, data]) => ({ name, data: JSON.stringify(data) })),
  },
}
