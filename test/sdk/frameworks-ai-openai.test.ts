import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, jsonSchema, type LanguageModel, Output, stepCountIs, streamText, tool } from 'ai'
import { useDialectHouse } from './dialect-house.ts'
import { GREETING, RESULT_SEEN, USED, WEATHER } from './vendors/script.ts'

/* The client's own provider for OpenAI: it speaks Responses unless told otherwise, and holds every event against a schema. */

const house = useDialectHouse()
afterEach(() => house().assertClean())

const UPSTREAMS = ['openai', 'anthropic', 'gemini', 'cohere', 'bedrock', 'ollama'] as const
const KINDS: Readonly<Record<string, (model: string) => LanguageModel>> = {
  responses: (model) => provider().responses(model),
  'chat completions': (model) => provider().chat(model),
}

function provider() {
  const { gateway, key } = house()
  return createOpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key.secret })
}

function weather(given: unknown[]) {
  const inputSchema = jsonSchema<{ city: string }>({
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: true,
  })
  const execute = (input: unknown) => {
    given.push(input)
    return { degrees: 21 }
  }
  return tool({ description: 'The weather of a city.', inputSchema, execute })
}

for (const [kind, connect] of Object.entries(KINDS)) {
  for (const upstream of UPSTREAMS) {
    const options = (script: string) => ({ model: connect(house().model(upstream, script)), maxRetries: 0 })

    test(`ai by ${kind} before ${upstream}: text, whole and streamed, with its usage`, async () => {
      const whole = await generateText({ ...options('text'), prompt: 'Hello' })
      assert.deepEqual([whole.text, whole.finishReason, whole.usage.inputTokens], [GREETING, 'stop', USED.input])
      const onError = ({ error }: { error: unknown }) => assert.fail(String(error))
      const stream = streamText({ ...options('text'), prompt: 'Hello', onError })
      assert.deepEqual([await stream.text, await stream.finishReason], [GREETING, 'stop'])
      assert.equal((await stream.usage).outputTokens, USED.output)
    })

    test(`ai by ${kind} before ${upstream}: a loop of tools runs to its answer, whole and streamed`, async () => {
      // OpenAI shows no thoughts in chat completions, and takes none back.
      const shown = kind === 'responses' || upstream !== 'openai' ? ['thought-call'] : []
      for (const script of ['call', 'text-call', ...shown]) {
        const given: unknown[] = []
        const tools = { get_weather: weather(given) }
        const loop = { ...options(script), tools, stopWhen: stepCountIs(3), prompt: 'Weather?' }
        assert.equal((await generateText(loop)).text, RESULT_SEEN, script)
        const stream = streamText({ ...loop, onError: ({ error }) => assert.fail(String(error)) })
        assert.equal(await stream.text, RESULT_SEEN, script)
        assert.deepEqual(given, [WEATHER.input, WEATHER.input])
      }
    })

    test(`ai by ${kind} before ${upstream}: an object of a schema`, async () => {
      const schema = jsonSchema<{ city: string; degrees: number }>({
        type: 'object',
        properties: { city: { type: 'string' }, degrees: { type: 'number' } },
        required: ['city', 'degrees'],
        additionalProperties: false,
      })
      const { output } = await generateText({ ...options('json'), prompt: 'Paris?', output: Output.object({ schema }) })
      assert.deepEqual(output, { city: 'Paris', degrees: 21 })
    })

    test(`ai by ${kind} before ${upstream}: a stream that breaks is an error, and no end`, async () => {
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
