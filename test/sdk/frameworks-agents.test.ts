import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { Agent, OpenAIProvider, Runner, tool } from '@openai/agents'
import { useDialectHouse } from './dialect-house.ts'
import { RESULT_SEEN, WEATHER } from './vendors/script.ts'

/* OpenAI's framework for agents: it repeats every item of an answer in the next request, and reads streams by their types. */

const house = useDialectHouse()
afterEach(() => house().assertClean())

const UPSTREAMS = ['openai', 'anthropic', 'gemini', 'cohere', 'bedrock', 'ollama'] as const

function agent(model: string, given: unknown[]) {
  const look = tool({
    name: 'get_weather',
    description: 'The weather of a city.',
    strict: false,
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: true,
    },
    execute: async (input) => {
      given.push(input)
      return '{"degrees":21}'
    },
  })
  return new Agent({ name: 'Forecaster', instructions: 'Be brief.', model, tools: [look] })
}

for (const useResponses of [true, false]) {
  for (const upstream of UPSTREAMS) {
    const dialect = useResponses ? 'responses' : 'chat completions'
    // OpenAI shows no thoughts in chat completions, and takes none back.
    const scripts = useResponses || upstream !== 'openai' ? ['call', 'thought-call'] : ['call']

    test(`agents by ${dialect} before ${upstream}: a run with a tool ends in its answer, whole and streamed`, async () => {
      const openAIClient = house().openai()
      const modelProvider = new OpenAIProvider({ openAIClient, useResponses })
      const runner = new Runner({ modelProvider, tracingDisabled: true })
      for (const script of scripts) {
        const given: unknown[] = []
        const forecaster = agent(house().model(upstream, script), given)
        assert.equal((await runner.run(forecaster, 'Weather?')).finalOutput, RESULT_SEEN, script)
        const streamed = await runner.run(forecaster, 'Weather?', { stream: true })
        for await (const event of streamed) assert.ok(event.type !== undefined)
        await streamed.completed
        assert.equal(streamed.finalOutput, RESULT_SEEN, script)
        assert.deepEqual(given, [WEATHER.input, WEATHER.input])
      }
    })
  }
}
