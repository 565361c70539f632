import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type {
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions'
import { keyPair } from '../harness/config.ts'
import { at } from '../harness/json.ts'
import { useDialectHouse } from '../sdk/dialect-house.ts'
import { RESULT_SEEN } from '../sdk/vendors/script.ts'

/*
 * Pain 22 for clients of chat completions, which do not send back what a vendor sealed: the gateway keeps it by the ids of
 * the calls, for the key, and for all of its workers.
 */

const mine = keyPair('mine')
const yours = keyPair('yours')
const house = useDialectHouse({ workers: 2, keys: [mine, yours].map(({ id, hash }) => ({ id, hash })) })
const budget = { provider: 'anthropic', model: 'claude-sonnet-4-5--text', capabilities: { reasoning: 'budget' } }
const forgetful = useDialectHouse({
  content: { seals: 'off' },
  models: { claude: { targets: [budget] } },
  keys: [mine].map(({ id, hash }) => ({ id, hash })),
})
afterEach(async () => {
  await house().assertClean()
  await forgetful().assertClean()
})

const user: ChatCompletionMessageParam = { role: 'user', content: 'What is the weather?' }
const tools = ['get_weather', 'get_time'].map((name) => {
  return { type: 'function' as const, function: { name, parameters: { type: 'object', properties: {} } } }
})
const common = { tools, reasoning_effort: 'low' as const, max_completion_tokens: 4_000 }
type Call = ChatCompletionMessageFunctionToolCall

async function calls(from: ReturnType<typeof house>, model: string, how: 'whole' | 'streamed'): Promise<Call[]> {
  const { completions } = from.openai({ apiKey: mine.secret }).chat
  const request = { model, messages: [user], ...common }
  const completion =
    how === 'whole'
      ? await completions.create(request)
      : await completions.stream({ ...request, stream: true }).finalChatCompletion()
  const found = completion.choices[0]?.message.tool_calls ?? []
  return found.flatMap((call) =>
    call.type === 'function' ? [{ id: call.id, type: call.type, function: call.function }] : [],
  )
}

/** What the vendor gets when the calls come back with results and with nothing else; and what the client is told. */
async function answered(
  from: ReturnType<typeof house>,
  { vendor, made, key = mine, model }: { vendor: string; made: readonly Call[]; key?: typeof mine; model?: string },
): Promise<[sent: string, told: string]> {
  const results = made.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '21 degrees' }))
  const messages: ChatCompletionMessageParam[] = [
    user,
    { role: 'assistant', content: null, tool_calls: [...made] },
    ...results,
  ]
  const { data, response } = await from
    .openai({ apiKey: key.secret })
    .chat.completions.create({ model: model ?? from.model(vendor, 'text'), messages, ...common })
    .withResponse()
  assert.equal(data.choices[0]?.message.content, RESULT_SEEN)
  return [JSON.stringify(from.server(vendor).newest), response.headers.get('x-ferro-translation') ?? '']
}

for (const vendor of ['anthropic', 'bedrock', 'gemini']) {
  for (const how of ['whole', 'streamed'] as const) {
    test(`pain 22: what ${vendor} sealed beside a call comes back without the client's help (${how})`, async () => {
      const made = await calls(house(), house().model(vendor, 'thought-call'), how)
      assert.equal(made.length, 1)
      const [sent, told] = await answered(house(), { vendor, made })
      assert.ok(sent.includes(house().server(vendor).vendor.seal ?? '?'), sent)
      assert.doesNotMatch(told, /reasoning(?!_effort)|signature/)
    })
  }

  test(`pain 22: ${vendor} is sent nothing that was kept for another key, or for another call`, async () => {
    const seal = house().server(vendor).vendor.seal ?? '?'
    const made = await calls(house(), house().model(vendor, 'thought-call'), 'whole')
    const [others] = await answered(house(), { vendor, made, key: yours })
    assert.ok(!others.includes(seal))
    const changed = made.map((call) => ({ ...call, function: { name: 'get_time', arguments: '{}' } }))
    const [another] = await answered(house(), { vendor, made: changed })
    assert.ok(!another.includes(seal))
    // A client may write the arguments anew.
    const spaced = made.map((call) => {
      const text = JSON.stringify(JSON.parse(call.function.arguments), null, 2)
      return { ...call, function: { ...call.function, arguments: text } }
    })
    const [same] = await answered(house(), { vendor, made: spaced })
    assert.ok(same.includes(seal))
  })
}

test('pain 22: where nothing is kept, each vendor gets what it takes without, and the client is told', async () => {
  const made = await calls(forgetful(), forgetful().model('gemini', 'thought-call'), 'whole')
  const [unsigned, adapted] = await answered(forgetful(), { vendor: 'gemini', made })
  assert.match(unsigned, /skip_thought_signature_validator/)
  assert.match(adapted, /adapted=.*signature/)
  const claude = await calls(forgetful(), forgetful().model('anthropic', 'thought-call'), 'whole')
  const [, lossy] = await answered(forgetful(), { vendor: 'anthropic', made: claude, model: 'claude' })
  assert.match(lossy, /^lossy; dropped=.*reasoning/)
  assert.equal(at(forgetful().server('anthropic').newest, 'thinking'), undefined)
})
