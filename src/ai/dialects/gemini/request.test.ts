import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkRequest } from '../../../../test/mocks/gemini/check-request.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { Message, ModelRequest, Parameters } from '../../ir/request.ts'
import { capabilitiesOf } from '../testing/contexts.ts'
import { geminiClient, geminiUpstream } from './index.ts'

const CAPABILITIES = capabilitiesOf('gemini')

function decode(body: JsonObject): ModelRequest {
  return geminiClient.decodeRequest(body, { model: 'gemini-3-pro', stream: false, losses: new Losses() })
}

function encode(request: ModelRequest, losses = new Losses(), model = 'gemini-3-pro'): JsonObject {
  const body: unknown = parseExact(
    writeJson(geminiUpstream.encodeRequest(request, { model, capabilities: CAPABILITIES, losses })),
  )
  assert.ok(isObject(body))
  const headers = { 'x-goog-api-key': 'k', 'content-type': 'application/json' }
  const path = `/v1beta/models/${model}:generateContent`
  assert.equal(checkRequest({ method: 'POST', path, headers, body }, 'k'), null, 'the vendor takes it')
  return body
}

function chat(messages: readonly Message[], more: Partial<ModelRequest> = {}): ModelRequest {
  return { dialect: 'openai-chat', model: 'm', messages, tools: [], parameters: {}, stream: false, ...more }
}

const HELLO: Message = { role: 'user', parts: [{ type: 'text', text: 'Hello' }] }

function configOf(parameters: Parameters, losses = new Losses(), model = 'gemini-3-pro'): unknown {
  return encode(chat([HELLO], { parameters }), losses, model)['generationConfig']
}

const user = (...parts: JsonObject[]) => ({ role: 'user', parts })
const model = (...parts: JsonObject[]) => ({ role: 'model', parts })

const SAME: Readonly<Record<string, JsonObject>> = {
  'a text': { contents: [user({ text: 'Hello' })] },
  instructions: {
    systemInstruction: { parts: [{ text: 'Be' }, { text: 'brief' }] },
    contents: [user({ text: 'Hello' })],
  },
  media: {
    contents: [
      user(
        { inlineData: { mimeType: 'image/png', data: 'aGk=' } },
        { inlineData: { mimeType: 'application/pdf', data: 'aGk=', displayName: 'a.pdf' } },
        { fileData: { mimeType: 'audio/wav', fileUri: 'gs://bucket/a.wav' } },
        { fileData: { fileUri: 'https://www.youtube.com/watch?v=x' }, videoMetadata: { startOffset: '1s', fps: 2 } },
        { inlineData: { mimeType: 'image/png', data: 'aGk=' }, mediaResolution: { level: 'MEDIA_RESOLUTION_HIGH' } },
        { inlineData: { mimeType: 'image/png', data: 'aGk=' }, mediaResolution: { level: 'MEDIA_RESOLUTION_MEDIUM' } },
        { text: 'What is it?' },
      ),
    ],
  },
  'calls without ids': {
    contents: [
      user({ text: 'Weather?' }),
      model(
        { text: 'Looking.', thought: true },
        { functionCall: { name: 'a', args: { x: 1 } }, thoughtSignature: 'c2ln' },
        { functionCall: { name: 'a', args: {} } },
      ),
      user(
        { functionResponse: { name: 'a', response: { output: 'fine' } } },
        { functionResponse: { name: 'a', response: { error: 'no' } } },
        { text: 'Go on' },
      ),
    ],
  },
  'calls with ids': {
    contents: [
      user({ text: 'Weather?' }),
      model({ functionCall: { id: 'c1', name: 'a', args: {} }, thoughtSignature: 'c2ln' }),
      user({
        functionResponse: {
          id: 'c1',
          name: 'a',
          response: { temperature: 3, unit: 'C' },
          parts: [{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }],
          scheduling: 'SILENT',
        },
      }),
    ],
  },
  'signatures on texts, empty ones, too': {
    contents: [
      user({ text: 'Hi' }),
      model({ text: 'Hello', thoughtSignature: 'c2lnMQ==' }),
      user({ text: 'And?' }),
      model({ text: '', thoughtSignature: 'c2lnMg==' }),
      user({ text: 'So?' }),
    ],
  },
  "the vendor's own tools at work": {
    contents: [
      user({ text: 'Count' }),
      model(
        { executableCode: { language: 'PYTHON', code: '1' } },
        { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } },
      ),
      user({ text: 'Thanks' }),
    ],
    tools: [{ codeExecution: {} }],
  },
  tools: {
    contents: [user({ text: 'Hi' })],
    tools: [
      {
        functionDeclarations: [
          {
            name: 'a',
            description: 'does a',
            behavior: 'BLOCKING',
            parameters: {
              type: 'OBJECT',
              properties: {
                city: { type: 'STRING', nullable: true, minLength: 1 },
                unit: { type: 'STRING', enum: ['C', 'F'] },
                n: { type: 'INTEGER', format: 'int32', minimum: 0, maximum: 9 },
                tags: { type: 'ARRAY', items: { type: 'STRING' }, maxItems: 3 },
                either: { anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }] },
              },
              required: ['city'],
              propertyOrdering: ['city', 'unit'],
            },
          },
          {
            name: 'b',
            parametersJsonSchema: {
              type: 'object',
              properties: { x: { $ref: '#/$defs/x' } },
              additionalProperties: false,
              $defs: { x: { type: 'object', properties: { x: { $ref: '#/$defs/x' } } } },
            },
          },
        ],
      },
      { googleSearch: {} },
    ],
    toolConfig: {
      functionCallingConfig: { mode: 'VALIDATED', allowedFunctionNames: ['a', 'b'] },
      retrievalConfig: { languageCode: 'en' },
    },
  },
  parameters: {
    contents: [user({ text: 'Hi' })],
    generationConfig: {
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      candidateCount: 2,
      maxOutputTokens: 100,
      stopSequences: ['END'],
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      seed: 7,
      responseLogprobs: true,
      logprobs: 3,
      responseMimeType: 'application/json',
      responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING' } } },
      responseModalities: ['TEXT', 'IMAGE'],
      thinkingConfig: { includeThoughts: true, thinkingLevel: 'LOW' },
      speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } },
      imageConfig: { aspectRatio: '1:1' },
      mediaResolution: 'MEDIA_RESOLUTION_LOW',
    },
    safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    cachedContent: 'cachedContents/x',
    labels: { team: 'a' },
    serviceTier: 'flex',
    store: false,
  },
  'a schema as JSON Schema, and a budget': {
    contents: [user({ text: 'Hi' })],
    generationConfig: {
      responseMimeType: 'application/json',
      responseJsonSchema: {
        type: 'object',
        properties: { a: { $ref: '#/$defs/a' } },
        $defs: { a: { type: 'string' } },
      },
      thinkingConfig: { thinkingBudget: -1, includeThoughts: false },
      speechConfig: { multiSpeakerVoiceConfig: { speakerVoiceConfigs: [] } },
    },
  },
  'one word of an enum': {
    contents: [user({ text: 'Hi' })],
    generationConfig: { responseMimeType: 'text/x.enum', responseSchema: { type: 'STRING', enum: ['a', 'b'] } },
  },
}

describe("a request of Gemini's own clients", () => {
  for (const [name, body] of Object.entries(SAME)) {
    test(`comes out as it went in: ${name}`, () => {
      const losses = new Losses()
      assert.deepEqual(encode(decode(body), losses), body)
      assert.equal(losses.header(), 'exact')
    })
  }

  for (const mode of ['AUTO', 'NONE', 'ANY', 'VALIDATED']) {
    test(`keeps its mode of calling: ${mode}`, () => {
      const body = {
        contents: [user({ text: 'Hi' })],
        tools: [{ functionDeclarations: [{ name: 'a' }, { name: 'b' }] }],
        toolConfig: { functionCallingConfig: { mode } },
      }
      assert.deepEqual(encode(decode(body)), body)
    })
  }

  test('is read in snake_case as well, apart from what is inside of arguments', () => {
    const body = {
      system_instruction: { parts: [{ text: 'Be brief' }] },
      contents: [
        user({ text: 'Hi' }),
        {
          parts: [{ function_call: { name: 'a', args: { snake_case: 1 } }, thought_signature: 'c2ln' }],
          role: 'model',
        },
        user({ function_response: { name: 'a', response: { some_value: 1 } } }),
      ],
      generation_config: { max_output_tokens: 5, thinking_config: { thinking_budget: 0 } },
      safety_settings: [],
    }
    assert.deepEqual(encode(decode(body)), {
      systemInstruction: { parts: [{ text: 'Be brief' }] },
      contents: [
        user({ text: 'Hi' }),
        model({ functionCall: { name: 'a', args: { snake_case: 1 } }, thoughtSignature: 'c2ln' }),
        user({ functionResponse: { name: 'a', response: { some_value: 1 } } }),
      ],
      generationConfig: { maxOutputTokens: 5, thinkingConfig: { thinkingBudget: 0 } },
      safetySettings: [],
    })
  })

  test('takes bytes in either alphabet of base64, padded or not', () => {
    for (const data of ['+/+/aA==', '-_-_aA==', '-_-_aA', '+/+/aA']) {
      const { messages } = decode({ contents: [user({ inlineData: { mimeType: 'image/png', data } })] })
      const source = { kind: 'data', mediaType: 'image/png', base64: '+/+/aA==' }
      assert.deepEqual(messages, [{ role: 'user', parts: [{ type: 'image', source }] }], data)
    }
  })

  test('takes a part of a turn of the model of which an empty text was left out', () => {
    const call = { functionCall: { name: 'a', args: {} } }
    const turns = (...parts: JsonObject[]) => {
      const result = user({ functionResponse: { name: 'a', response: { ok: 1 } } })
      return decode({ contents: [user({ text: 'Hi' }), model(...parts), result] }).messages
    }
    assert.deepEqual(turns(call, {}), turns(call, { text: '' }))
    const sealed = { thoughtSignature: 'c2ln' }
    assert.deepEqual(turns(call, sealed), turns(call, { text: '', ...sealed }))
    const thought = { thought: true, ...sealed }
    assert.deepEqual(turns(thought, call), turns({ text: '', ...thought }, call))
    assert.throws(() => decode({ contents: [user({})] }), FieldProblem)
  })

  test('keeps members that nobody here knows', () => {
    const body = {
      contents: [{ role: 'user', parts: [{ text: 'Hi', partFuture: { a: 1 } }], contentFuture: 1 }],
      future: [1],
      generationConfig: { futureConfig: true },
    }
    const request = decode(body)
    const out = geminiUpstream.encodeRequest(request, { model: 'm', capabilities: CAPABILITIES, losses: new Losses() })
    assert.deepEqual(JSON.parse(writeJson(out)), body)
  })

  test('matches results to calls by name and order where ids are absent', () => {
    const request = decode({
      contents: [
        user({ text: 'Hi' }),
        model(
          { functionCall: { name: 'a', args: {} } },
          { functionCall: { name: 'b', args: {} } },
          { functionCall: { name: 'a', args: {} } },
        ),
        user(
          { functionResponse: { name: 'b', response: { output: '2' } } },
          { functionResponse: { name: 'a', response: { output: '1' } } },
          { functionResponse: { name: 'a', response: { output: '3' } } },
        ),
      ],
    })
    const [, calls, results] = request.messages
    assert.ok(calls?.role === 'assistant' && results?.role === 'tool')
    const ids = calls.parts.map((part) => (part.type === 'tool-call' ? part.id : ''))
    assert.deepEqual(
      results.parts.map(({ callId }) => ids.indexOf(callId)),
      [1, 0, 2],
    )
  })

  const WRONG: readonly (readonly [JsonObject, string])[] = [
    [{}, 'contents'],
    [{ contents: [] }, 'contents'],
    [{ contents: 'Hi' }, 'contents'],
    [{ contents: ['Hi'] }, 'contents[0]'],
    [{ contents: [{ role: 'assistant', parts: [] }] }, 'contents[0].role'],
    [{ contents: [user({ text: 1 })] }, 'contents[0].parts[0].text'],
    [{ contents: [user({})] }, 'contents[0].parts[0]'],
    [{ contents: [user({ inlineData: { data: 'x' } })] }, 'contents[0].parts[0].inlineData.mimeType'],
    [
      { contents: [user({ functionResponse: { name: 'a', response: 'x' } })] },
      'contents[0].parts[0].functionResponse.response',
    ],
    [{ contents: [model({ functionCall: { args: {} } })] }, 'contents[0].parts[0].functionCall.name'],
    [{ contents: [user({ text: '' })], systemInstruction: 'x' }, 'systemInstruction'],
    [{ contents: [user({ text: '' })], generationConfig: { temperature: 'hot' } }, 'generationConfig.temperature'],
    [{ contents: [user({ text: '' })], generationConfig: { stopSequences: [1] } }, 'generationConfig.stopSequences[0]'],
    [
      { contents: [user({ text: '' })], generationConfig: { thinkingConfig: { thinkingLevel: 'HUGE' } } },
      'generationConfig.thinkingConfig.thinkingLevel',
    ],
    [
      { contents: [user({ text: '' })], generationConfig: { responseSchema: {}, responseJsonSchema: {} } },
      'generationConfig.responseJsonSchema',
    ],
    [
      { contents: [user({ text: '' })], tools: [{ functionDeclarations: [{}] }] },
      'tools[0].functionDeclarations[0].name',
    ],
    [
      { contents: [user({ text: '' })], toolConfig: { functionCallingConfig: { mode: 'MUST' } } },
      'toolConfig.functionCallingConfig.mode',
    ],
  ]
  for (const [body, param] of WRONG) {
    test(`that is wrong names the member: ${param}`, () => {
      assert.throws(
        () => decode(body),
        (error) => error instanceof FieldProblem && error.param === param,
      )
    })
  }
})

describe('a request of another dialect', () => {
  const call = (text: string): Message => ({
    role: 'assistant',
    parts: [{ type: 'tool-call', id: 'c1', name: 'a', arguments: text }],
  })
  const result = (text: string, isError = false): Message => ({
    role: 'tool',
    parts: [{ type: 'tool-result', callId: 'c1', content: [{ type: 'text', text }], isError }],
  })

  function argsOf(text: string, losses = new Losses()): string {
    const body = geminiUpstream.encodeRequest(chat([HELLO, call(text), result('ok')]), {
      model: 'gemini-2.5-pro',
      capabilities: CAPABILITIES,
      losses,
    })
    return /"args":(.*?)\}\}?\]\}?,/.exec(writeJson(body))?.[1] ?? ''
  }

  test('sends arguments as the object that they are, with every digit', () => {
    assert.equal(argsOf('{"id":9007199254740993,"b":1.0}'), '{"id":9007199254740993,"b":1.0}')
    assert.equal(argsOf(''), '{}')
  })

  test('shows broken arguments as what they are', () => {
    const losses = new Losses()
    assert.equal(argsOf('{"city":"Par', losses), '{"invalid_arguments":"{\\"city\\":\\"Par"}')
    assert.deepEqual(losses.adapted, ['messages[].tool_call.arguments'])
  })

  test('marks unsigned calls of the current turn for the third generation, and says so', () => {
    const losses = new Losses()
    const old = [HELLO, call('{}'), result('1'), HELLO]
    const now = [call('{}'), result('2')]
    const body = encode(chat([...old, ...now]), losses)
    const text = JSON.stringify(body)
    assert.equal(text.split('skip_thought_signature_validator').length, 2)
    assert.ok(text.indexOf('skip_thought_signature_validator') > text.indexOf('"1"'))
    assert.ok(losses.adapted.includes('messages[].tool_call.signature'))
    const older = JSON.stringify(encode(chat([...old, ...now]), new Losses(), 'gemini-2.5-pro'))
    assert.ok(!older.includes('thoughtSignature'))
  })

  test('keeps only seals that Gemini made', () => {
    const losses = new Losses()
    const body = encode(
      chat([
        HELLO,
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'hm', signature: { family: 'anthropic', value: 'x' } },
            { type: 'text', text: 'Hi', signature: { family: 'gemini', value: 'c2ln' } },
          ],
        },
        HELLO,
      ]),
      losses,
    )
    assert.deepEqual(body['contents'], [
      user({ text: 'Hello' }),
      model({ text: 'Hi', thoughtSignature: 'c2ln' }),
      user({ text: 'Hello' }),
    ])
    assert.deepEqual(losses.dropped, ['messages[].reasoning'])
  })

  test('puts results into one content, in the order of the calls, with what is no object as output', () => {
    const body = encode(
      chat([
        HELLO,
        {
          role: 'assistant',
          parts: [
            { type: 'tool-call', id: '1', name: 'a', arguments: '{}', signature: { family: 'gemini', value: 'c2ln' } },
            { type: 'tool-call', id: '2', name: 'b', arguments: '{}' },
          ],
        },
        {
          role: 'tool',
          parts: [
            { type: 'tool-result', callId: '2', content: [{ type: 'text', text: '[1]' }], isError: false },
            {
              type: 'tool-result',
              callId: '1',
              content: [{ type: 'text', text: '{"n":12345678901234567890}' }],
              isError: false,
            },
          ],
        },
        HELLO,
      ]),
    )
    assert.deepEqual(JSON.parse(writeJson(body)).contents[2], {
      role: 'user',
      parts: [
        { functionResponse: { id: '1', name: 'a', response: { n: Number('12345678901234567890') } } },
        { functionResponse: { id: '2', name: 'b', response: { output: '[1]' } } },
        { text: 'Hello' },
      ],
    })
    assert.ok(writeJson(body).includes('{"n":12345678901234567890}'), 'with every digit')
  })

  test('hides references inside of results, which the vendor refuses', () => {
    const losses = new Losses()
    const body = encode(chat([HELLO, call('{}'), result('{"a":{"$ref":"#/x"}}')]), losses)
    assert.ok(JSON.stringify(body).includes('{"output":"{\\"a\\":{\\"$ref\\":\\"#/x\\"}}"}'))
    assert.ok(losses.adapted.includes('messages[].tool_result'))
  })

  test('says each parameter that is lost', () => {
    const losses = new Losses()
    configOf(
      {
        minP: 0.1,
        logitBias: { 1: 2 },
        parallelToolCalls: false,
        verbosity: 'low',
        user: 'u',
        metadata: { a: 'b' },
        store: true,
        promptCacheKey: 'k',
        prediction: 'p',
        serviceTier: 'scale',
        stop: ['1', '2', '3', '4', '5', '6'],
        includeUsage: true,
      },
      losses,
    )
    assert.deepEqual(losses.dropped.toSorted(), [
      'logit_bias',
      'metadata',
      'min_p',
      'parallel_tool_calls',
      'prediction',
      'prompt_cache_key',
      'service_tier',
      'stop',
      'store',
      'user',
      'verbosity',
    ])
  })

  const THINKING: readonly (readonly [Parameters['reasoning'], string, JsonObject | undefined])[] = [
    [{ effort: 'high' }, 'gemini-3-pro', { thinkingLevel: 'HIGH' }],
    [{ effort: 'minimal' }, 'gemini-3-pro', { thinkingLevel: 'LOW' }],
    [{ effort: 'none' }, 'gemini-3-flash', { thinkingLevel: 'MINIMAL' }],
    [{ effort: 'max', summary: 'auto' }, 'gemini-flash-latest', { includeThoughts: true, thinkingLevel: 'HIGH' }],
    [{ mode: 'enabled', budgetTokens: 5000 }, 'gemini-3-pro', { thinkingLevel: 'LOW' }],
    [{ mode: 'adaptive' }, 'gemini-3-pro', undefined],
    [{ effort: 'medium' }, 'gemini-2.5-flash', { thinkingBudget: 8192 }],
    [{ effort: 'none' }, 'gemini-2.5-flash', { thinkingBudget: 0 }],
    [{ effort: 'none' }, 'gemini-2.5-pro', { thinkingBudget: 128 }],
    [{ mode: 'enabled', budgetTokens: 60_000 }, 'gemini-2.5-pro', { thinkingBudget: 32_768 }],
    [{ mode: 'adaptive' }, 'gemini-2.5-pro', { thinkingBudget: -1 }],
  ]
  for (const [reasoning, name, wanted] of THINKING) {
    test(`asks ${name} to think: ${JSON.stringify(reasoning)}`, () => {
      const config = configOf({ reasoning }, new Losses(), name)
      assert.deepEqual(isObject(config) ? config['thinkingConfig'] : undefined, wanted)
    })
  }

  test('asks for an answer by a schema in the form that says the most of it', () => {
    const simple = { type: 'object', properties: { a: { type: ['string', 'null'] } }, required: ['a'] }
    const strict = { ...simple, additionalProperties: false }
    const losses = new Losses()
    const output = { type: 'json-schema', name: 'n', schema: simple } as const
    assert.deepEqual(configOf({ output }, losses), {
      responseMimeType: 'application/json',
      responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } }, required: ['a'] },
    })
    assert.deepEqual(configOf({ output: { ...output, schema: strict } }, losses), {
      responseMimeType: 'application/json',
      responseJsonSchema: strict,
    })
    assert.equal(losses.header(), 'exact')
    configOf({ output: { ...output, schema: strict } }, losses, 'gemini-1.5-pro')
    assert.deepEqual(losses.dropped, ['response_format.additionalProperties'])
  })

  test("takes the vendor's own tools of others, but not beside functions for older models", () => {
    const tools = [
      { type: 'builtin', kind: 'web-search', definition: { type: 'web_search' } },
      { type: 'function', name: 'a' },
    ] as const
    const losses = new Losses()
    assert.deepEqual(encode(chat([HELLO], { tools }), losses), {
      contents: [user({ text: 'Hello' })],
      tools: [{ functionDeclarations: [{ name: 'a' }] }, { googleSearch: {} }],
      toolConfig: { includeServerSideToolInvocations: true },
    })
    assert.deepEqual(losses.adapted, ['tools[].web-search'])
    assert.deepEqual(encode(chat([HELLO], { tools }), losses, 'gemini-2.5-pro')['tools'], [
      { functionDeclarations: [{ name: 'a' }] },
    ])
    assert.deepEqual(losses.dropped, ['tools[].builtin'])
  })

  test('is a body that the vendor takes also when nothing was lowered', () => {
    const losses = new Losses()
    const body = encode(
      chat([HELLO, HELLO, { role: 'system', authority: 'developer', parts: [{ type: 'text', text: 'Be nice' }] }]),
      losses,
    )
    assert.deepEqual(body['contents'], [user({ text: 'Hello' }, { text: 'Hello' }, { text: 'Be nice' })])
    assert.deepEqual(losses.adapted.toSorted(), ['messages', 'messages[].system'])
  })

  test('turns documents and addresses into what the vendor reads, and says what it cannot', () => {
    const losses = new Losses()
    const body = encode(
      chat([
        {
          role: 'user',
          parts: [
            { type: 'image', source: { kind: 'url', url: 'https://a.example/cat.png?x=1' }, detail: 'low' },
            { type: 'image', source: { kind: 'file', id: 'file-abc' } },
            { type: 'document', source: { kind: 'text', text: 'Notes' }, name: 'n.txt' },
            { type: 'text', text: 'See' },
          ],
        },
      ]),
      losses,
    )
    assert.deepEqual(body['contents'], [
      user(
        {
          fileData: { fileUri: 'https://a.example/cat.png?x=1', mimeType: 'image/png' },
          mediaResolution: { level: 'MEDIA_RESOLUTION_LOW' },
        },
        { text: 'Notes' },
        { text: 'See' },
      ),
    ])
    assert.deepEqual(losses.dropped, ['messages[].image.source', 'messages[].document.name'])
  })
})
