import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBody } from '../../../../test/mocks/anthropic-messages/check-request.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { AssistantPart, UserPart } from '../../ir/parts.ts'
import type { Message, ModelRequest, Parameters, Tool } from '../../ir/request.ts'
import type { Capabilities } from '../dialect.ts'
import { asWire, encodeContext, requestOf } from '../testing/contexts.ts'
import { messagesUpstream } from './index.ts'

interface Encoded {
  readonly body: JsonObject
  readonly report: string
}

/** Encodes a request of another dialect; what comes out is held against what the vendor takes. */
function encode(members: Partial<ModelRequest>, capabilities: Partial<Capabilities> = {}): Encoded {
  const context = encodeContext(capabilities)
  // What JSON text of an object gives is an object.
  const body = asWire(messagesUpstream.encodeRequest(requestOf(members), context)) as JsonObject
  assert.equal(checkBody(body), null)
  return { body, report: context.losses.header() }
}

const hi: Message = { role: 'user', parts: [{ type: 'text', text: 'Hi' }] }
const tool: Tool = { type: 'function', name: 'f', parameters: { type: 'object' } }

function withParameters(
  parameters: Parameters,
  more: Partial<ModelRequest> = {},
  capabilities: Partial<Capabilities> = {},
) {
  return encode({ ...more, parameters: { maxOutputTokens: 4000, ...parameters } }, capabilities)
}

/** Parameters of other dialects: what the body says of them, and what the report. */
const PARAMETERS: readonly (readonly [string, Parameters, JsonObject, string])[] = [
  ['a temperature beyond 1 is clamped', { temperature: 1.7 }, { temperature: 1 }, 'adapted; adapted=temperature'],
  ['a temperature within 1 stays', { temperature: 0.3 }, { temperature: 0.3 }, 'exact'],
  ['top_p alone stays', { topP: 0.3 }, { top_p: 0.3 }, 'exact'],
  ['top_p gives way to a temperature', { topP: 0.3, temperature: 1 }, { temperature: 1 }, 'lossy; dropped=top_p'],
  ['top_p of 1 beside a temperature said nothing', { topP: 1, temperature: 1 }, { temperature: 1 }, 'exact'],
  ['top_k stays', { topK: 4 }, { top_k: 4 }, 'exact'],
  [
    'white space as a stop sequence is left out',
    { stop: ['\n', 'END'] },
    { stop_sequences: ['END'] },
    'lossy; dropped=stop',
  ],
  ['a user is named', { user: 'u' }, { metadata: { user_id: 'u' } }, 'exact'],
  ['metadata have no place', { metadata: { a: 'b' } }, {}, 'lossy; dropped=metadata'],
  ['the default tier is the standard one', { serviceTier: 'default' }, { service_tier: 'standard_only' }, 'exact'],
  ['a tier without an equal is reported', { serviceTier: 'flex' }, {}, 'lossy; dropped=service_tier'],
  [
    'penalties are reported',
    { frequencyPenalty: 1, presencePenalty: 1 },
    {},
    'lossy; dropped=frequency_penalty,presence_penalty',
  ],
  ['penalties of zero say nothing', { frequencyPenalty: 0, presencePenalty: 0 }, {}, 'exact'],
  ['a seed is reported', { seed: 1 }, {}, 'lossy; dropped=seed'],
  ['min_p is reported', { minP: 0.1 }, {}, 'lossy; dropped=min_p'],
  ['logprobs are reported', { logprobs: { top: 1 } }, {}, 'lossy; dropped=logprobs'],
  ['a bias is reported', { logitBias: { 1: 1 } }, {}, 'lossy; dropped=logit_bias'],
  ['several answers are reported', { choices: 2 }, {}, 'lossy; dropped=n'],
  ['one answer is what there is', { choices: 1, includeUsage: true, store: false, modalities: ['text'] }, {}, 'exact'],
  ['storing is reported', { store: true }, {}, 'lossy; dropped=store'],
  ['sound is reported', { modalities: ['audio'], audioOutput: { voice: 'a' } }, {}, 'lossy; dropped=modalities,audio'],
  ['verbosity is reported', { verbosity: 'low' }, {}, 'lossy; dropped=verbosity'],
  ['a cache key is reported', { promptCacheKey: 'k' }, {}, 'lossy; dropped=prompt_cache_key'],
  ['a prediction is reported', { prediction: 'p' }, {}, 'lossy; dropped=prediction'],
  ['plain text as output says nothing', { output: { type: 'text' } }, {}, 'exact'],
  ['JSON without a schema is reported', { output: { type: 'json' } }, {}, 'lossy; dropped=response_format'],
  [
    'a schema is what the output has',
    { output: { type: 'json-schema', name: 'n', schema: { type: 'object', additionalProperties: false } } },
    { output_config: { format: { type: 'json_schema', schema: { type: 'object', additionalProperties: false } } } },
    'exact',
  ],
]

for (const [what, parameters, expected, report] of PARAMETERS) {
  test(what, () => {
    const encoded = withParameters(parameters)
    const { model: _model, messages: _messages, max_tokens: _limit, ...rest } = encoded.body
    assert.deepEqual(rest, expected)
    assert.equal(encoded.report, report)
  })
}

test('the limit of output is the client’s, else the model’s, else 4096, and never more than the model’s', () => {
  assert.equal(encode({ parameters: {} }).body['max_tokens'], 4096)
  assert.equal(encode({ parameters: {} }, { maxOutputTokens: 64000 }).body['max_tokens'], 64000)
  const clamped = encode({ parameters: { maxOutputTokens: 9000 } }, { maxOutputTokens: 8192 })
  assert.equal(clamped.body['max_tokens'], 8192)
  assert.equal(clamped.report, 'adapted; adapted=max_tokens')
})

/** Reasoning: what is asked, of what model, and what goes out. */
const REASONING: readonly (readonly [string, Parameters, Partial<Capabilities>, JsonObject, string])[] = [
  [
    'an effort lets a current model decide',
    { reasoning: { effort: 'high' } },
    {},
    { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
    'exact',
  ],
  [
    'an effort is a budget below the limit for a model that knows only budgets',
    { reasoning: { effort: 'high' } },
    { reasoning: 'budget' },
    { thinking: { type: 'enabled', budget_tokens: 3200 } },
    'adapted; adapted=reasoning',
  ],
  [
    'a limit of ours is raised above the budget',
    { reasoning: { budgetTokens: 10000, mode: 'enabled' }, maxOutputTokens: undefined },
    { reasoning: 'budget', maxOutputTokens: null },
    { max_tokens: 14096, thinking: { type: 'enabled', budget_tokens: 10000 } },
    'exact',
  ],
  [
    'a budget below the least is raised',
    { reasoning: { budgetTokens: 10, mode: 'enabled' } },
    { reasoning: 'budget' },
    { thinking: { type: 'enabled', budget_tokens: 1024 } },
    'adapted; adapted=reasoning',
  ],
  [
    'where the client’s limit leaves no room for a budget there is none',
    { reasoning: { effort: 'low' }, maxOutputTokens: 500 },
    { reasoning: 'budget' },
    { max_tokens: 500 },
    'lossy; dropped=reasoning',
  ],
  [
    'a budget is an effort for a model that decides itself',
    { reasoning: { budgetTokens: 5000 } },
    { reasoning: 'adaptive' },
    { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
    'adapted; adapted=reasoning',
  ],
  [
    'a model without reasoning hears nothing of it',
    { reasoning: { effort: 'low' } },
    { reasoning: 'none' },
    {},
    'lossy; dropped=reasoning',
  ],
  [
    'no reasoning for a model without is no loss',
    { reasoning: { effort: 'none' } },
    { reasoning: 'none' },
    {},
    'exact',
  ],
  [
    'what may be seen of it is said',
    { reasoning: { effort: 'low', summary: 'auto' } },
    {},
    { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'low' } },
    'exact',
  ],
  [
    'sampling gives way to thinking',
    { reasoning: { effort: 'low' }, temperature: 0.2, topK: 3, topP: 0.5 },
    {},
    { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
    'lossy; dropped=temperature,top_k,top_p',
  ],
]

for (const [what, parameters, capabilities, expected, report] of REASONING) {
  test(what, () => {
    const encoded = withParameters(parameters, {}, capabilities)
    const { model: _model, messages: _messages, ...rest } = encoded.body
    assert.deepEqual(rest, { max_tokens: 4000, ...expected })
    assert.equal(encoded.report, report)
  })
}

test('thinking gives way to a forced tool, to an answer that is begun, and to a turn of calls without a thought', () => {
  const reasoning = { reasoning: { effort: 'low' } } as const
  const forced = withParameters(reasoning, { tools: [tool], toolChoice: { type: 'required' } })
  assert.equal(forced.body['thinking'], undefined)
  assert.deepEqual(forced.body['tool_choice'], { type: 'any' })
  const begun = withParameters(reasoning, {
    messages: [hi, { role: 'assistant', parts: [{ type: 'text', text: '1,' }] }],
  })
  assert.equal(begun.body['thinking'], undefined)
  const turn: Message[] = [
    hi,
    { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', name: 'f', arguments: '{}' }] },
    { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', content: [], isError: false }] },
  ]
  const calls = withParameters(reasoning, { tools: [tool], messages: turn }, { reasoning: 'budget' })
  assert.equal(calls.body['thinking'], undefined)
  for (const { report } of [forced, begun, calls]) assert.equal(report, 'lossy; dropped=reasoning')
  const decides = withParameters(reasoning, { tools: [tool], messages: turn })
  assert.deepEqual(decides.body['thinking'], { type: 'adaptive' })
})

function assistantParts(
  parts: AssistantPart[],
  capabilities: Partial<Capabilities> = {},
): Encoded & { content: unknown } {
  const messages: Message[] = [hi, { role: 'assistant', parts }, hi]
  const encoded = encode({ messages, tools: [tool] }, capabilities)
  const turn = (encoded.body['messages'] as JsonObject[])[1] // the array was just checked
  return { ...encoded, content: turn?.['role'] === 'assistant' ? turn['content'] : undefined }
}

test('thoughts go back to the family that sealed them, and to no other', () => {
  const signature = { family: 'anthropic', value: 'sig' } as const
  const text: AssistantPart = { type: 'text', text: 'a' }
  const kept = assistantParts([{ type: 'reasoning', text: 't', signature }, text])
  assert.deepEqual(kept.content, [
    { type: 'thinking', thinking: 't', signature: 'sig' },
    { type: 'text', text: 'a' },
  ])
  const redacted = assistantParts([{ type: 'reasoning', text: '', sealed: signature }, text])
  assert.deepEqual(redacted.content, [
    { type: 'redacted_thinking', data: 'sig' },
    { type: 'text', text: 'a' },
  ])
  for (const part of [
    { type: 'reasoning', text: 't' },
    { type: 'reasoning', text: 't', signature: { family: 'gemini', value: 'x' } },
  ] as const) {
    const dropped = assistantParts([part, text])
    assert.equal(dropped.content, 'a')
    assert.equal(dropped.report, 'lossy; dropped=messages[].reasoning')
  }
})

/** Arguments as models write them, and the object that goes out. */
const ARGUMENTS: readonly (readonly [string, JsonObject, string])[] = [
  ['', {}, 'exact'],
  ['{}', {}, 'exact'],
  ['{"a":', { invalid_arguments: '{"a":' }, 'adapted; adapted=messages[].tool_call.arguments'],
  ['[1]', { invalid_arguments: '[1]' }, 'adapted; adapted=messages[].tool_call.arguments'],
  ['null', { invalid_arguments: 'null' }, 'adapted; adapted=messages[].tool_call.arguments'],
]

for (const [text, input, report] of ARGUMENTS) {
  test(`arguments ${JSON.stringify(text)} become an object`, () => {
    const part = { type: 'tool-call', id: 'a', name: 'f', arguments: text } as const
    const result: Message = {
      role: 'tool',
      parts: [{ type: 'tool-result', callId: 'a', content: [{ type: 'text', text: 'ok' }], isError: false }],
    }
    const encoded = encode({ tools: [tool], messages: [hi, { role: 'assistant', parts: [part] }, result, hi] })
    assert.deepEqual(encoded.body['messages'], [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input }] },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: 'ok' },
          { type: 'text', text: 'Hi' },
        ],
      },
    ])
    assert.equal(encoded.report, report)
  })
}

/** Parts that the API has no block for. */
const NO_BLOCK: readonly (readonly [string, UserPart, string])[] = [
  ['a sound', { type: 'audio', source: { kind: 'data', mediaType: 'audio/wav', base64: 'AAAA' } }, 'messages[].audio'],
  ['a film', { type: 'video', source: { kind: 'url', url: 'https://a.b/c.mp4' } }, 'messages[].video'],
  [
    'a picture of a kind it does not read',
    { type: 'image', source: { kind: 'data', mediaType: 'image/bmp', base64: 'AAAA' } },
    'messages[].image',
  ],
  ['a file at another vendor', { type: 'image', source: { kind: 'file', id: 'file-1' } }, 'messages[].image'],
  [
    'a document it does not read',
    { type: 'document', source: { kind: 'data', mediaType: 'application/zip', base64: 'AAAA' } },
    'messages[].document',
  ],
  [
    'a thing of another dialect',
    { type: 'opaque', dialect: 'openai-responses', name: 'item_reference', value: {} },
    'messages[].item_reference',
  ],
]

for (const [what, part, path] of NO_BLOCK) {
  test(`${what} is left out with a report`, () => {
    const encoded = encode({ messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }, part] }] })
    assert.deepEqual(encoded.body['messages'], [{ role: 'user', content: 'Hi' }])
    assert.equal(encoded.report, `lossy; dropped=${path}`)
  })
}

test('a document that is text by another name goes as text', () => {
  const source = { kind: 'data', mediaType: 'text/csv', base64: Buffer.from('a;b').toString('base64') } as const
  const { body } = encode({ messages: [{ role: 'user', parts: [{ type: 'document', source, name: 'a.csv' }] }] })
  const expected = { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'a;b' }, title: 'a.csv' }
  assert.deepEqual(body['messages'], [{ role: 'user', content: [expected] }])
})

test('all results of one turn stand in one message, before the user’s text', () => {
  const call = (id: string): AssistantPart => ({ type: 'tool-call', id, name: 'f', arguments: '{}' })
  const result = (callId: string): Message => ({
    role: 'tool',
    parts: [{ type: 'tool-result', callId, content: [{ type: 'text', text: callId }], isError: false }],
  })
  const messages: Message[] = [hi, { role: 'assistant', parts: [call('a'), call('b')] }, result('a'), result('b'), hi]
  const { body } = encode({ messages, tools: [tool] })
  assert.equal((body['messages'] as unknown[]).length, 3) // the array was just checked
})

test('empty texts are left out, and a turn of nothing else with them', () => {
  const messages: Message[] = [
    hi,
    { role: 'assistant', parts: [{ type: 'text', text: '' }] },
    {
      role: 'user',
      parts: [
        { type: 'text', text: ' \n' },
        { type: 'text', text: 'Go' },
      ],
    },
  ]
  const encoded = encode({ messages })
  assert.deepEqual(encoded.body['messages'], [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Hi' },
        { type: 'text', text: 'Go' },
      ],
    },
  ])
})

test('an answer that is begun does not end with a space', () => {
  const encoded = encode({ messages: [hi, { role: 'assistant', parts: [{ type: 'text', text: 'So: ' }] }] })
  assert.deepEqual((encoded.body['messages'] as unknown[])[1], { role: 'assistant', content: 'So:' }) // as above
  assert.equal(encoded.report, 'adapted; adapted=messages[].text')
})

test('instructions alone are what the model answers to', () => {
  const encoded = encode({
    messages: [{ role: 'system', authority: 'system', parts: [{ type: 'text', text: 'Say hi.' }] }],
  })
  assert.deepEqual(encoded.body['messages'], [{ role: 'user', content: 'Say hi.' }])
})

test('of more marks than four the last count, and a lifetime that is unknown becomes the longest', () => {
  const parts = [1, 2, 3, 4, 5].map((text): UserPart => ({ type: 'text', text: String(text), cache: { ttl: '24h' } }))
  const encoded = encode({ messages: [{ role: 'user', parts }], tools: [{ type: 'function', name: 'f', cache: {} }] })
  assert.equal(encoded.report, 'adapted; adapted=cache_control.ttl,cache_control')
  assert.doesNotMatch(JSON.stringify(encoded.body['tools']), /cache_control/)
  assert.equal(JSON.stringify(encoded.body).split('"ttl":"1h"').length, 5)
})

test('tools of the conversation are named when the client offers none, and none may be called', () => {
  const messages: Message[] = [
    hi,
    { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', name: 'f', arguments: '{}' }] },
    { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', content: [], isError: true }] },
  ]
  const encoded = encode({ messages })
  assert.deepEqual(encoded.body['tools'], [{ name: 'f', input_schema: { type: 'object', properties: {} } }])
  assert.deepEqual(encoded.body['tool_choice'], { type: 'none' })
})

test('tools that another vendor runs stand for this vendor’s own where there is one', () => {
  const builtin = (kind: 'web-search' | 'file-search'): Tool => ({ type: 'builtin', kind, definition: { type: kind } })
  const encoded = encode({ tools: [builtin('web-search'), builtin('file-search')] })
  assert.deepEqual(encoded.body['tools'], [{ type: 'web_search_20250305', name: 'web_search' }])
  assert.equal(encoded.report, 'lossy; dropped=tools[].file-search; adapted=tools[].web-search')
})

test('only allowed tools are offered', () => {
  const encoded = encode({
    tools: [tool, { type: 'function', name: 'g' }],
    toolChoice: { type: 'allowed', mode: 'required', names: ['g'] },
  })
  assert.deepEqual(encoded.body['tools'], [{ name: 'g', input_schema: { type: 'object', properties: {} } }])
  assert.deepEqual(encoded.body['tool_choice'], { type: 'any' })
})

test('members that only another dialect knows are reported', () => {
  const encoded = encode({ extra: { web_search_options: {} }, messages: [{ ...hi, extra: { odd: 1 } }] })
  assert.equal(encoded.report, 'lossy; dropped=messages[].odd,web_search_options')
})
