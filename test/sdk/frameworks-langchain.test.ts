import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { ChatAnthropic } from '@langchain/anthropic'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { type AIMessageChunk, HumanMessage, ToolMessage, type UsageMetadata } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import * as z from 'zod'
import { useDialectHouse } from './dialect-house.ts'
import { GREETING, RESULT_SEEN, USED, WEATHER } from './vendors/script.ts'

/* A framework that puts its own messages together from chunks, by the clients of two vendors and three dialects. */

const house = useDialectHouse()
afterEach(() => house().assertClean())

const UPSTREAMS = ['openai', 'anthropic', 'gemini', 'cohere', 'bedrock', 'ollama'] as const

const WEATHER_TOOL = tool(async () => '{"degrees":21}', {
  name: 'get_weather',
  description: 'The weather of a city.',
  schema: z.object({
    city: z.string(),
    days: z.array(z.number()).optional(),
    deep: z.object({ ok: z.boolean() }).optional(),
  }),
})
const TIME_TOOL = tool(async () => 'noon', {
  name: 'get_time',
  description: 'The time.',
  schema: z.object({ zone: z.string() }),
})

const CLIENTS = {
  'chat completions': (model: string) => openai(model, false),
  responses: (model: string) => openai(model, true),
  messages: (model: string) => {
    const { gateway, key } = house()
    return new ChatAnthropic({ model, apiKey: key.secret, maxRetries: 0, anthropicApiUrl: gateway.url, maxTokens: 512 })
  },
}

function openai(model: string, useResponsesApi: boolean) {
  const { gateway, key } = house()
  const configuration = { baseURL: `${gateway.url}/v1` }
  return new ChatOpenAI({ model, apiKey: key.secret, maxRetries: 0, useResponsesApi, configuration })
}

function usageOf({ usage_metadata: usage }: { usage_metadata?: UsageMetadata | undefined }): UsageMetadata | undefined {
  return usage
}

async function assembled(model: Pick<BaseChatModel, 'stream'>, prompt: string): Promise<AIMessageChunk> {
  let all: AIMessageChunk | undefined
  for await (const chunk of await model.stream(prompt)) all = all === undefined ? chunk : all.concat(chunk)
  assert.ok(all !== undefined)
  return all
}

for (const [dialect, connect] of Object.entries(CLIENTS)) {
  for (const upstream of UPSTREAMS) {
    const model = (script: string) => connect(house().model(upstream, script))

    test(`langchain by ${dialect} before ${upstream}: text, whole and streamed, with its usage`, async () => {
      const whole = await model('text').invoke('Hello')
      assert.deepEqual([whole.text, usageOf(whole)?.input_tokens], [GREETING, USED.input])
      const streamed = await assembled(model('text'), 'Hello')
      // This client adds what the vendor's first event counts already to what its last one counts in all.
      const extra = dialect === 'messages' && upstream === 'anthropic' ? 1 : 0
      assert.deepEqual([streamed.text, usageOf(streamed)?.output_tokens], [GREETING, USED.output + extra])
    })

    test(`langchain by ${dialect} before ${upstream}: a call goes out and its result comes back`, async () => {
      const bound = model('call').bindTools([WEATHER_TOOL])
      const question = new HumanMessage('Weather?')
      const asked = await bound.invoke([question])
      const call = asked.tool_calls?.[0]
      assert.deepEqual([call?.name, call?.args], ['get_weather', WEATHER.input])
      const result = new ToolMessage({ content: '{"degrees":21}', tool_call_id: call?.id ?? '' })
      assert.equal((await bound.invoke([question, asked, result])).text, RESULT_SEEN)
    })

    test(`langchain by ${dialect} before ${upstream}: parallel calls are put together from a stream`, async () => {
      const { tool_calls: calls } = await assembled(model('parallel').bindTools([WEATHER_TOOL, TIME_TOOL]), 'Both?')
      assert.deepEqual(
        calls?.map(({ name, args }) => [name, args]),
        [
          ['get_weather', WEATHER.input],
          ['get_time', { zone: 'Europe/Paris' }],
        ],
      )
    })

    test(`langchain by ${dialect} before ${upstream}: an object of a schema`, async () => {
      const schema = z.object({ city: z.string(), degrees: z.number() })
      const structured = model('json').withStructuredOutput(schema, { method: 'jsonSchema' })
      assert.deepEqual(await structured.invoke('Paris?'), { city: 'Paris', degrees: 21 })
    })
  }
}
