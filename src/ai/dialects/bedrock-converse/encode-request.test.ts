import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBody } from '../../../../test/mocks/bedrock-converse/check-request.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { AssistantPart, ToolResultPart, UserPart } from '../../ir/parts.ts'
import type { Message, ModelRequest, Parameters, Tool } from '../../ir/request.ts'
import type { Capabilities } from '../dialect.ts'
import { asWire, encodeContext, requestOf } from '../testing/contexts.ts'
import { converseUpstream } from './index.ts'

interface Encoded {
  readonly body: JsonObject
  readonly report: string
}

interface Target extends Partial<Capabilities> {
  readonly model?: string
}

/** Encodes a request; what comes out is held against what the service takes. */
function encode(members: Partial<ModelRequest>, { model, ...capabilities }: Target = {}): Encoded {
  const context = encodeContext(capabilities)
  const target = model === undefined ? context : { ...context, model }
  // What JSON text of an object gives is an object.
  const body = asWire(converseUpstream.encodeRequest(requestOf(members), target)) as JsonObject
  assert.equal(checkBody(body), null)
  return { body, report: context.losses.header() }
}

const hi: Message = { role: 'user', parts: [{ type: 'text', text: 'Hi' }] }
const tool: Tool = {
  type: 'function',
  name: 'f',
  description: 'd',
  parameters: { type: 'object' },
  cache: { ttl: '1h' },
}
const call: AssistantPart = { type: 'tool-call', id: 'a', name: 'f', arguments: '{"x":9007199254740993}' }
const result: ToolResultPart = {
  type: 'tool-result',
  callId: 'a',
  content: [{ type: 'text', text: 'ok' }],
  isError: false,
}

test('instructions, turns and limits stand where Converse wants them', () => {
  const { body, report } = encode({
    messages: [
      { role: 'system', authority: 'system', parts: [{ type: 'text', text: 'Be short.', cache: { ttl: '5m' } }] },
      hi,
    ],
    parameters: { maxOutputTokens: 100, temperature: 0.5, topP: 1, stop: ['END', ' '] },
  })
  assert.deepEqual(body, {
    messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
    system: [{ text: 'Be short.' }, { cachePoint: { type: 'default', ttl: '5m' } }],
    inferenceConfig: { maxTokens: 100, temperature: 0.5, stopSequences: ['END'] },
  })
  assert.equal(report, 'lossy; dropped=stop')
})

test('a request without a limit leaves it to the service, unless the catalogue knows one', () => {
  assert.equal(encode({ parameters: {} }).body['inferenceConfig'], undefined)
  assert.deepEqual(encode({ parameters: {} }, { maxOutputTokens: 8192 }).body['inferenceConfig'], { maxTokens: 8192 })
})

test('calls and results alternate, results in the user’s turn with a text behind them, and marks as elements of their own', () => {
  const { body } = encode({
    tools: [tool],
    toolChoice: { type: 'tool', name: 'f' },
    messages: [
      hi,
      { role: 'assistant', parts: [call, { ...call, id: 'b', arguments: '' }] },
      { role: 'tool', parts: [{ ...result, cache: {} }] },
      { role: 'tool', parts: [{ ...result, callId: 'b', content: [], isError: true }] },
      hi,
    ],
  })
  assert.deepEqual(body['messages'], [
    { role: 'user', content: [{ text: 'Hi' }] },
    {
      role: 'assistant',
      content: [
        // The number is rounded by this test's own reader, and not on the wire.
        { toolUse: { toolUseId: 'a', name: 'f', input: { x: Number('9007199254740993') } } },
        { toolUse: { toolUseId: 'b', name: 'f', input: {} } },
      ],
    },
    {
      role: 'user',
      content: [
        { toolResult: { toolUseId: 'a', content: [{ text: 'ok' }] } },
        { cachePoint: { type: 'default' } },
        { toolResult: { toolUseId: 'b', content: [{ json: {} }], status: 'error' } },
        { text: 'Hi' },
      ],
    },
  ])
  assert.deepEqual(body['toolConfig'], {
    tools: [
      { toolSpec: { name: 'f', description: 'd', inputSchema: { json: { type: 'object' } } } },
      { cachePoint: { type: 'default', ttl: '1h' } },
    ],
    toolChoice: { tool: { name: 'f' } },
  })
})

const history: Message[] = [hi, { role: 'assistant', parts: [call] }, { role: 'tool', parts: [result] }]

test('tools of the conversation are named when the client offers none', () => {
  const { body, report } = encode({ messages: history })
  const spec = { name: 'f', inputSchema: { json: { type: 'object', properties: {} } } }
  assert.deepEqual(body['toolConfig'], { tools: [{ toolSpec: spec }] })
  assert.equal(report, 'adapted; adapted=tools')
})

test('that no tool may be called is said by offering none, or reported where the conversation has calls', () => {
  const without = encode({ tools: [tool], toolChoice: { type: 'none' } })
  assert.equal(without.body['toolConfig'], undefined)
  assert.equal(without.report, 'adapted; adapted=tool_choice')
  const within = encode({ tools: [tool], toolChoice: { type: 'none' }, messages: history })
  assert.notEqual(within.body['toolConfig'], undefined)
  assert.equal(within.report, 'lossy; dropped=tool_choice')
})

test('choices of tools, allowed ones among them', () => {
  const choiceOf = (toolChoice: ModelRequest['toolChoice']) => {
    const { toolConfig } = encode({ tools: [tool, { type: 'function', name: 'g' }], toolChoice }).body
    return (toolConfig as JsonObject)['toolChoice'] // tools are on offer, so it is there
  }
  assert.deepEqual(choiceOf({ type: 'auto' }), { auto: {} })
  assert.deepEqual(choiceOf({ type: 'required' }), { any: {} })
  assert.deepEqual(choiceOf({ type: 'allowed', mode: 'required', names: ['g'] }), { any: {} })
  assert.equal(choiceOf({ type: 'tool', name: 'unknown' }), undefined)
  assert.equal(choiceOf(undefined), undefined)
})

test('tools that another vendor runs, and one call at a time, are reported', () => {
  const builtin: Tool = { type: 'builtin', kind: 'web-search', definition: {} }
  const { report } = encode({ tools: [tool, builtin], parameters: { parallelToolCalls: false } })
  assert.equal(report, 'lossy; dropped=tools[].web-search,parallel_tool_calls')
})

/** Parts of a user's message, and the block that each becomes; null: it is left out with a report. */
const PARTS: readonly (readonly [string, UserPart, JsonObject | null])[] = [
  [
    'a picture',
    { type: 'image', source: { kind: 'data', mediaType: 'image/jpeg', base64: 'AAAA' } },
    { image: { format: 'jpeg', source: { bytes: 'AAAA' } } },
  ],
  [
    'a picture in S3',
    { type: 'image', source: { kind: 'url', url: 's3://b/a.webp' } },
    { image: { format: 'webp', source: { s3Location: { uri: 's3://b/a.webp' } } } },
  ],
  ['a picture on the web', { type: 'image', source: { kind: 'url', url: 'https://a.b/a.png' } }, null],
  [
    'a picture of another kind',
    { type: 'image', source: { kind: 'data', mediaType: 'image/bmp', base64: 'AAAA' } },
    null,
  ],
  [
    'a document',
    {
      type: 'document',
      source: { kind: 'data', mediaType: 'application/pdf', base64: 'AAAA' },
      name: 'my_report  (v2).pdf',
      citations: true,
    },
    {
      document: {
        format: 'pdf',
        name: 'my report (v2) pdf',
        source: { bytes: 'AAAA' },
        citations: { enabled: true },
      },
    },
  ],
  [
    'a document that is text',
    { type: 'document', source: { kind: 'text', text: 'words' }, context: 'c' },
    { document: { format: 'txt', name: 'document', source: { text: 'words' }, context: 'c' } },
  ],
  [
    'a film',
    { type: 'video', source: { kind: 'data', mediaType: 'video/mp4', base64: 'AAAA' } },
    { video: { format: 'mp4', source: { bytes: 'AAAA' } } },
  ],
  [
    'a sound',
    { type: 'audio', source: { kind: 'data', mediaType: 'audio/wav', base64: 'AAAA' } },
    { audio: { format: 'wav', source: { bytes: 'AAAA' } } },
  ],
  ['a file elsewhere', { type: 'document', source: { kind: 'file', id: 'file-1' } }, null],
]

for (const [what, part, block] of PARTS) {
  test(`${what} ${block === null ? 'is left out with a report' : 'has its block'}`, () => {
    const { body, report } = encode({ messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }, part] }] })
    const content = block === null ? [{ text: 'Hi' }] : [{ text: 'Hi' }, block]
    assert.deepEqual(body['messages'], [{ role: 'user', content }])
    assert.equal(report, block === null ? `lossy; dropped=messages[].${part.type}` : 'exact')
  })
}

test('two documents of one name have two names, and a text stands beside them', () => {
  const document: UserPart = {
    type: 'document',
    source: { kind: 'data', mediaType: 'text/csv', base64: 'AAAA' },
    name: 'a',
  }
  const { body, report } = encode({ messages: [{ role: 'user', parts: [document, document] }] })
  assert.match(JSON.stringify(body), /"name":"a".*"name":"a \(2\)".*"text":/)
  assert.equal(report, 'adapted; adapted=messages[].document')
})

test('thoughts go back to the family that sealed them, and to no other', () => {
  const signature = { family: 'anthropic', value: 'c2ln' } as const
  const thoughts: AssistantPart[] = [
    { type: 'reasoning', text: 't', signature },
    { type: 'reasoning', text: '', sealed: signature },
    { type: 'text', text: 'a' },
  ]
  const messages: Message[] = [hi, { role: 'assistant', parts: thoughts }, hi]
  const kept = encode({ messages })
  assert.deepEqual((kept.body['messages'] as JsonObject[])[1]?.['content'], [
    // the array was just checked
    { reasoningContent: { reasoningText: { text: 't', signature: 'c2ln' } } },
    { reasoningContent: { redactedContent: 'c2ln' } },
    { text: 'a' },
  ])
  const other = encode({ messages }, { family: 'other' })
  assert.equal(other.report, 'lossy; dropped=messages[].reasoning')
})

/** Parameters, the model, and what the body says beside its messages. */
const PARAMETERS: readonly (readonly [string, Parameters, Target, JsonObject, string])[] = [
  [
    'Claude thinks as its own API has it',
    { reasoning: { effort: 'low' } },
    {},
    { additionalModelRequestFields: { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } } },
    'exact',
  ],
  [
    'a budget of Claude’s stays below the limit',
    { reasoning: { effort: 'high' }, maxOutputTokens: 4000 },
    { reasoning: 'budget' },
    {
      inferenceConfig: { maxTokens: 4000 },
      additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 3200 } },
    },
    'adapted; adapted=reasoning',
  ],
  [
    'Nova has a configuration of its own',
    { reasoning: { effort: 'max' }, topK: 5 },
    { family: 'other', model: 'us.amazon.nova-2-lite-v1:0' },
    {
      additionalModelRequestFields: {
        inferenceConfig: { topK: 5 },
        reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' },
      },
    },
    'adapted; adapted=reasoning',
  ],
  [
    'OpenAI’s open models take an effort',
    { reasoning: { effort: 'medium' } },
    { family: 'openai' },
    { additionalModelRequestFields: { reasoning_effort: 'medium' } },
    'exact',
  ],
  [
    'a model of whose reasoning nothing is known',
    { reasoning: { effort: 'low' } },
    { family: 'other' },
    {},
    'lossy; dropped=reasoning',
  ],
  ['top_k is the model’s own', { topK: 5 }, {}, { additionalModelRequestFields: { top_k: 5 } }, 'exact'],
  [
    'a temperature beyond 1 is clamped',
    { temperature: 2 },
    {},
    { inferenceConfig: { temperature: 1 } },
    'adapted; adapted=temperature',
  ],
  [
    'structured output',
    {
      output: {
        type: 'json-schema',
        name: 'n',
        description: 'd',
        schema: { type: 'object', additionalProperties: false },
      },
    },
    {},
    {
      outputConfig: {
        textFormat: {
          type: 'json_schema',
          structure: {
            jsonSchema: { schema: '{"type":"object","additionalProperties":false}', name: 'n', description: 'd' },
          },
        },
      },
    },
    'exact',
  ],
  ['metadata that are texts', { metadata: { a: 'b' } }, {}, { requestMetadata: { a: 'b' } }, 'exact'],
  ['other metadata', { metadata: { a: 1 } }, {}, {}, 'lossy; dropped=metadata'],
  ['a tier', { serviceTier: 'flex' }, {}, { serviceTier: { type: 'flex' } }, 'exact'],
  ['the tier that the vendor chooses', { serviceTier: 'auto' }, {}, {}, 'exact'],
  [
    'what Converse has no place for',
    {
      seed: 1,
      user: 'u',
      minP: 1,
      logitBias: {},
      frequencyPenalty: 1,
      presencePenalty: 1,
      verbosity: 'low',
      store: true,
    },
    {},
    {},
    'lossy; dropped=seed,user,min_p,logit_bias,frequency_penalty,presence_penalty,verbosity,store',
  ],
  [
    'and more of it',
    { logprobs: { top: 1 }, choices: 2, promptCacheKey: 'k', modalities: ['audio'], audioOutput: {}, prediction: 'p' },
    {},
    {},
    'lossy; dropped=logprobs,n,prompt_cache_key,modalities,audio,prediction',
  ],
  ['JSON without a schema', { output: { type: 'json' } }, {}, {}, 'lossy; dropped=response_format'],
]

for (const [what, parameters, target, expected, report] of PARAMETERS) {
  test(what, () => {
    const encoded = encode({ parameters }, target)
    const { messages: _messages, ...rest } = encoded.body
    assert.deepEqual(rest, expected)
    assert.equal(encoded.report, report)
  })
}

test('members in Converse’s own words go out as they came, others are reported', () => {
  const { body, report } = encode({
    parameters: { topK: 3 },
    extra: {
      guardrailConfig: { guardrailIdentifier: 'g', guardrailVersion: '1' },
      performanceConfig: { latency: 'optimized' },
      additionalModelRequestFields: { anthropic_beta: ['x'] },
      web_search_options: {},
    },
  })
  assert.deepEqual(body['additionalModelRequestFields'], { top_k: 3, anthropic_beta: ['x'] })
  assert.deepEqual(body['performanceConfig'], { latency: 'optimized' })
  assert.equal(report, 'lossy; dropped=web_search_options')
})

test('of more cache points than four the last count', () => {
  const parts = [1, 2, 3, 4, 5].map((text): UserPart => ({ type: 'text', text: String(text), cache: {} }))
  const { body, report } = encode({ messages: [{ role: 'user', parts }], tools: [tool] })
  assert.doesNotMatch(JSON.stringify(body['toolConfig']), /cachePoint/)
  assert.equal(report, 'adapted; adapted=cache_control')
})

test('instructions alone are what the model answers to, and an answer that is begun ends with no space', () => {
  const only = encode({ messages: [{ role: 'system', authority: 'system', parts: [{ type: 'text', text: 'Go.' }] }] })
  assert.deepEqual(only.body['messages'], [{ role: 'user', content: [{ text: 'Go.' }] }])
  const begun = encode({ messages: [hi, { role: 'assistant', parts: [{ type: 'text', text: 'So: ' }] }] })
  assert.deepEqual((begun.body['messages'] as unknown[])[1], { role: 'assistant', content: [{ text: 'So:' }] }) // checked
})
