import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { ApiError, FinishReason, type GenerateContentParameters, type Tool, Type } from '@google/genai'
import { eventually } from '../harness/eventually.ts'
import { at, parseJson } from '../harness/json.ts'
import { useDialectHouse } from './dialect-house.ts'
import { GREETING, RESULT_SEEN, THOUGHT, USED, WEATHER } from './vendors/script.ts'

const house = useDialectHouse()
afterEach(() => house().assertClean())

const UPSTREAMS = ['gemini', 'openai', 'anthropic', 'cohere', 'bedrock', 'ollama'] as const
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const TOOLS: Tool[] = [
  {
    functionDeclarations: [
      {
        name: 'get_weather',
        description: 'The weather of a city.',
        parameters: {
          type: Type.OBJECT,
          properties: {
            city: { type: Type.STRING },
            days: { type: Type.ARRAY, items: { type: Type.NUMBER } },
            deep: { type: Type.OBJECT, properties: { ok: { type: Type.BOOLEAN } } },
          },
          required: ['city'],
        },
      },
      { name: 'get_time', parametersJsonSchema: { type: 'object', properties: { zone: { type: 'string' } } } },
      { name: 'now' },
    ],
  },
]

for (const upstream of UPSTREAMS) {
  /** The model's name holds a slash, which stays part of it in the path. */
  const ask = (script: string, more: Partial<GenerateContentParameters> = {}): GenerateContentParameters => {
    return { model: house().model(upstream, script), contents: 'Hello', ...more }
  }

  for (const version of ['v1beta', 'v1'] as const) {
    test(`google before ${upstream}: an answer has its text, its usage and its end (${version})`, async () => {
      const config = { systemInstruction: 'Be brief.', maxOutputTokens: 4_000, temperature: 0.5 }
      const answer = await house().google(version).models.generateContent(ask('text', { config }))
      assert.equal(answer.text, GREETING)
      assert.equal(answer.candidates?.[0]?.finishReason, FinishReason.STOP)
      const { promptTokenCount, candidatesTokenCount, totalTokenCount } = answer.usageMetadata ?? {}
      assert.deepEqual(
        [promptTokenCount, candidatesTokenCount, totalTokenCount],
        [USED.input, USED.output, USED.input + USED.output],
      )
      assert.match(JSON.stringify(house().server(upstream).newest), /Be brief\./)
    })
  }

  test(`google before ${upstream}: a stream joins to the whole answer, with usage at its end`, async () => {
    for (const script of ['text', 'text-call', 'parallel', 'empty-call', 'length']) {
      const request = ask(script, { config: { tools: TOOLS } })
      const whole = await house().google().models.generateContent(request)
      const chunks = await Array.fromAsync(await house().google().models.generateContentStream(request))
      const last = chunks.at(-1)
      const calls = (list: typeof whole.functionCalls) => (list ?? []).map(({ name, args }) => [name, args ?? {}])
      assert.equal(chunks.map((chunk) => chunk.text ?? '').join(''), whole.text ?? '', script)
      assert.deepEqual(calls(chunks.flatMap(({ functionCalls }) => functionCalls ?? [])), calls(whole.functionCalls))
      assert.equal(last?.candidates?.[0]?.finishReason, whole.candidates?.[0]?.finishReason)
      assert.deepEqual(
        [last?.usageMetadata?.promptTokenCount, last?.usageMetadata?.candidatesTokenCount],
        [USED.input, USED.output],
      )
    }
  })

  test(`google before ${upstream}: a chat calls functions over two turns, and seals come back`, async () => {
    for (const stream of [false, true]) {
      for (const script of ['call', 'thought-call']) {
        const config = { tools: TOOLS, thinkingConfig: { includeThoughts: true } }
        const chat = house()
          .google()
          .chats.create({ model: house().model(upstream, script), config })
        const say = async (message: Parameters<typeof chat.sendMessage>[0]) => {
          if (!stream) return [await chat.sendMessage(message)]
          return await Array.fromAsync(await chat.sendMessageStream(message))
        }
        const first = await say({ message: 'The weather in Paris?' })
        const [call] = first.flatMap(({ functionCalls }) => functionCalls ?? [])
        assert.deepEqual([call?.name, call?.args], ['get_weather', WEATHER.input])
        if (script === 'thought-call') {
          const parts = first.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? [])
          const thought = parts.filter((part) => part.thought === true).map(({ text }) => text ?? '')
          assert.equal(thought.join(''), THOUGHT)
        }
        const { id, name = '' } = call ?? {}
        const functionResponse = { ...(id !== undefined && { id }), name, response: { degrees: 21 } }
        const second = await say({ message: [{ functionResponse }] })
        assert.equal(second.map(({ text }) => text ?? '').join(''), RESULT_SEEN)
        const { newest, vendor } = house().server(upstream)
        assert.match(JSON.stringify(newest), /degrees/)
        const sealed = script === 'thought-call' || upstream === 'gemini'
        if (vendor.seal !== null && sealed)
          assert.ok(JSON.stringify(newest).includes(vendor.seal), `${stream}: the seal went back`)
      }
    }
  })

  test(`google before ${upstream}: structured output is JSON of the schema`, async () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' }, degrees: { type: 'number' } },
      required: ['city', 'degrees'],
    }
    const config = { responseMimeType: 'application/json', responseJsonSchema: schema }
    const answer = await house().google().models.generateContent(ask('json', { config }))
    assert.deepEqual(parseJson(answer.text ?? ''), { city: 'Paris', degrees: 21 })
    assert.match(JSON.stringify(house().server(upstream).newest), /degrees/)
  })

  test(`google before ${upstream}: a picture arrives as the vendor takes it`, async () => {
    const contents = [{ text: 'What is this?' }, { inlineData: { mimeType: 'image/png', data: PNG } }]
    const answer = await house().google().models.generateContent(ask('text', { contents }))
    assert.equal(answer.text, GREETING)
    assert.ok(JSON.stringify(house().server(upstream).newest).includes(PNG))
  })

  test(`google before ${upstream}: an answer that was cut or filtered says so`, async () => {
    const finish = async (script: string) => {
      const answer = await house().google().models.generateContent(ask(script))
      return answer.candidates?.[0]?.finishReason
    }
    assert.equal(await finish('length'), FinishReason.MAX_TOKENS)
    // Ollama has no word for a filter.
    if (upstream !== 'ollama') assert.equal(await finish('filter'), FinishReason.SAFETY)
  })

  test(`google before ${upstream}: what the vendor refuses is raised with its status`, async () => {
    const errorOf = async (script: string, stream: boolean): Promise<ApiError> => {
      try {
        const { models } = house().google()
        if (stream) await models.generateContentStream(ask(script))
        else await models.generateContent(ask(script))
      } catch (error) {
        assert.ok(error instanceof ApiError, String(error))
        return error
      }
      return assert.fail(`${script} was answered`)
    }
    for (const stream of [false, true]) {
      const refused = await errorOf('refused-400', stream)
      assert.equal(refused.status, 400)
      const said = parseJson(refused.message)
      assert.deepEqual([at(said, 'error', 'code'), at(said, 'error', 'status')], [400, 'INVALID_ARGUMENT'])
      assert.match(String(at(said, 'error', 'message')), /Wrong somewhere/)
      const limited = await errorOf('limited-429', stream)
      assert.deepEqual([limited.status, at(parseJson(limited.message), 'error', 'status')], [429, 'RESOURCE_EXHAUSTED'])
      assert.equal((await errorOf('broken-500', stream)).status, 502)
    }
  })

  test(`google before ${upstream}: aborting a stream closes it at the vendor`, async () => {
    const server = house().server(upstream)
    const before = server.left
    const controller = new AbortController()
    const config = { abortSignal: controller.signal }
    const stream = await house().google().models.generateContentStream(ask('hang', { config }))
    await assert.rejects(async () => {
      for await (const chunk of stream) if ((chunk.text ?? '') !== '') controller.abort()
    })
    await eventually(() => server.left > before, { what: 'the vendor to see it' })
  })
}

test('the client lists and reads models, in both versions of its API', async () => {
  for (const version of ['v1', 'v1beta'] as const) {
    const { models } = house().google(version)
    const names: (string | undefined)[] = []
    for await (const model of await models.list({ config: { pageSize: 3 } })) {
      names.push(model.name)
      if (names.length === 4) break
    }
    assert.ok(names.length > 0 && names.every((name) => name?.startsWith('models/')), String(names))
    const known = names[0]?.slice('models/'.length) ?? ''
    assert.equal((await models.get({ model: known })).name, `models/${known}`)
    await assert.rejects(models.get({ model: 'nope' }), { status: 404 })
  }
})
