import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, jsonSchema, type LanguageModel, Output, stepCountIs, streamText, tool } from 'ai'
import { useDialectHouse } from './dialect-house.ts'
import { GREETING, RESULT_SEEN, THOUGHT, USED, WEATHER } from './vendors/script.ts'

const house = useDialectHouse()
afterEach(() => house().assertClean())

const UPSTREAMS = ['openai', 'anthropic', 'gemini', 'cohere', 'bedrock', 'ollama'] as const

/** The client's providers, each a dialect whose every chunk is held against a schema. */
const PROVIDERS: Readonly<Record<string, (model: string) => LanguageModel>> = {
  'openai-compatible': (model) => {
    const { gateway, key } = house()
    const baseURL = `${gateway.url}/v1`
    const options = { name: 'ferro', baseURL, apiKey: key.secret, includeUsage: true, supportsStructuredOutputs: true }
    return createOpenAICompatible(options)(model)
  },
  anthropic: (model) => createAnthropic({ baseURL: `${house().gateway.url}/v1`, apiKey: house().key.secret })(model),
  google: (model) => {
    const baseURL = `${house().gateway.url}/v1beta`
    // A name with a slash is a path to this client.
    return createGoogleGenerativeAI({ baseURL, apiKey: house().key.secret })(`models/${model}`)
  },
}

function weather(given: unknown[]) {
  const inputSchema = jsonSchema<{ city: string }>({
    type: 'object',
    properties: {
      city: { type: 'string' },
      days: { type: 'array', items: { type: 'number' } },
      deep: { type: 'object', properties: { ok: { type: 'boolean' } }, additionalProperties: false },
    },
    required: ['city'],
    additionalProperties: false,
  })
  const execute = (input: unknown) => {
    given.push(input)
    return { degrees: 21 }
  }
  return tool({ description: 'The weather of a city.', inputSchema, execute })
}

for (const [provider, connect] of Object.entries(PROVIDERS)) {
  for (const upstream of UPSTREAMS) {
    const options = (script: string) => ({ model: connect(house().model(upstream, script)), maxRetries: 0 })

    test(`ai, ${provider} before ${upstream}: text, whole and streamed, with its usage`, async () => {
      const { text, finishReason, usage } = await generateText({
        ...options('text'),
        system: 'Be brief.',
        prompt: 'Hello',
      })
      assert.deepEqual(
        [text, finishReason, usage.inputTokens, usage.outputTokens],
        [GREETING, 'stop', USED.input, USED.output],
      )
      const stream = streamText({
        ...options('text'),
        prompt: 'Hello',
        onError: ({ error }) => assert.fail(String(error)),
      })
      const parts = await Array.fromAsync(stream.textStream)
      assert.equal(parts.join(''), GREETING)
      assert.deepEqual([await stream.finishReason, (await stream.usage).outputTokens], ['stop', USED.output])
    })

    test(`ai, ${provider} before ${upstream}: a loop of tools runs to its answer, whole and streamed`, async () => {
      // OpenAI shows no thoughts in this dialect, and takes none back.
      const shown = provider === 'openai-compatible' && upstream === 'openai' ? [] : ['thought-call']
      for (const script of ['call', 'text-call', ...shown]) {
        const given: unknown[] = []
        const loop = {
          ...options(script),
          tools: { get_weather: weather(given) },
          stopWhen: stepCountIs(3),
          prompt: 'Weather?',
        }
        const { text, steps } = await generateText(loop)
        assert.deepEqual([text, steps.length], [RESULT_SEEN, 2], script)
        const stream = streamText({ ...loop, onError: ({ error }) => assert.fail(String(error)) })
        await stream.consumeStream()
        assert.equal(await stream.text, RESULT_SEEN, script)
        assert.deepEqual(given, [WEATHER.input, WEATHER.input])
      }
    })

    test(`ai, ${provider} before ${upstream}: thoughts are told as such`, async () => {
      const { providerOptions } = { providerOptions: { google: { thinkingConfig: { includeThoughts: true } } } }
      const { text, reasoningText } = await generateText({ ...options('thought'), prompt: 'Hello', providerOptions })
      assert.deepEqual([text, reasoningText], [GREETING, THOUGHT])
      const stream = streamText({ ...options('thought'), prompt: 'Hello', providerOptions })
      assert.deepEqual([await stream.text, await stream.reasoningText], [GREETING, THOUGHT])
    })

    test(`ai, ${provider} before ${upstream}: an object of a schema`, async () => {
      const schema = jsonSchema<{ city: string; degrees: number }>({
        type: 'object',
        properties: { city: { type: 'string' }, degrees: { type: 'number' } },
        required: ['city', 'degrees'],
        additionalProperties: false,
      })
      const { output } = await generateText({ ...options('json'), prompt: 'Paris?', output: Output.object({ schema }) })
      assert.deepEqual(output, { city: 'Paris', degrees: 21 })
    })

    test(`ai, ${provider} before ${upstream}: refusals have their status and their words`, async () => {
      await assert.rejects(generateText({ ...options('refused-400'), prompt: 'Go' }), (error) => {
        return APICallError.isInstance(error) && error.statusCode === 400 && /Wrong somewhere/.test(error.message)
      })
      await assert.rejects(generateText({ ...options('limited-429'), prompt: 'Go' }), (error) => {
        return APICallError.isInstance(error) && error.statusCode === 429 && error.isRetryable
      })
    })

    test(`ai, ${provider} before ${upstream}: a stream that breaks is an error, and no end`, async () => {
      for (const script of ['cut-whole', 'reset', 'error-event', 'bad-json']) {
        const errors: unknown[] = []
        const stream = streamText({ ...options(script), prompt: 'Go', onError: ({ error }) => void errors.push(error) })
        await stream.consumeStream({ onError: (error) => errors.push(error) })
        assert.ok(errors.length > 0, `${script} ended as if it were whole`)
        house().server(upstream).refusals.splice(0)
      }
    })
  }
}
