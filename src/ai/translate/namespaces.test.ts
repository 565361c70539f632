import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../../core/index.ts'
import type { AnswerContext, UpstreamDialect } from '../dialects/dialect.ts'
import { openaiResponsesClient as client, openaiResponsesUpstream } from '../dialects/openai-responses/index.ts'
import { UPSTREAM_DIALECTS } from '../dialects/testing/all-dialects.ts'
import { decodeContext, wireEvents } from '../dialects/testing/contexts.ts'
import type { ModelAnswer } from '../ir/answer.ts'
import { eventsOf } from '../ir/disassemble.ts'
import { isObject, type JsonObject } from '../ir/json.ts'
import { Losses } from '../ir/losses.ts'
import type { ToolCallPart } from '../ir/parts.ts'
import { UNKNOWN } from '../models/capabilities.ts'
import { EventRaiser, raiseAnswer } from './raise.ts'
import { type Translation, translateRequest } from './translation.ts'

const EMPTY = { type: 'object', properties: {} }
const inner = (name: string, more: JsonObject = {}) => ({ type: 'function', name, parameters: EMPTY, ...more })
const MAIL = {
  type: 'namespace',
  name: 'mail',
  description: 'Letters of the user.',
  tools: [inner('search', { description: 'Finds letters.' }), inner('send'), { type: 'custom', name: 'write' }],
}
const PLAIN = inner('look')

function translated(body: JsonObject, to = 'openai-chat'): Translation {
  const dialect: UpstreamDialect | undefined = Object.values(UPSTREAM_DIALECTS).find(({ name }) => name === to)
  assert.ok(dialect)
  const translation = translateRequest(
    client,
    Buffer.from(JSON.stringify({ model: 'm', input: 'Hi', ...body })),
    { path: null },
    {
      dialect,
      model: 'upstream',
      habits: undefined,
      capabilities: UNKNOWN,
      onUnsupported: 'warn',
      onLoss: 'allow',
      patch: null,
    },
  )
  if (translation instanceof GatewayError) throw translation
  return translation
}

function sent({ body }: Translation): JsonObject {
  const value: unknown = JSON.parse(body.toString())
  assert.ok(isObject(value))
  return value
}

/** The functions that an upstream of chat completions is offered, with what is said of them. */
function offered(translation: Translation): [unknown, unknown][] {
  const { tools } = sent(translation)
  assert.ok(Array.isArray(tools))
  return tools.map(({ function: declared }) => [declared.name, declared.description])
}

/** What the client is told when an upstream calls these tools: of the whole answer, and of the streamed one. */
function told(
  { request, undo }: Translation,
  ...calls: readonly Partial<ToolCallPart>[]
): [JsonObject[], JsonObject[]] {
  const parts = calls.map((call, at): ToolCallPart => {
    return { type: 'tool-call', id: `call_${at}`, name: '', arguments: '{"a":1}', ...call }
  })
  const answer: ModelAnswer = {
    dialect: 'openai-chat',
    choices: [{ index: 0, parts, stop: { reason: 'tool-calls' } }],
  }
  const context = (): AnswerContext => ({ id: 'x', model: 'm', createdAt: 1, request, losses: new Losses() })
  const whole = client.encodeAnswer(raiseAnswer(answer, undo), context())['output']
  const encoder = client.streamEncoder(context())
  const raiser = new EventRaiser(undo)
  let text = ''
  for (const event of eventsOf(answer)) {
    raiser.push(event, (one) => {
      text += encoder.push(one)
    })
  }
  const events: JsonObject[] = wireEvents(text).map(({ data }) => JSON.parse(data))
  const added = events.filter(({ type }) => type === 'response.output_item.added').map(({ item }) => item)
  const done = events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)
  assert.deepEqual(done, whole, 'both forms say the same')
  return [whole as JsonObject[], added as JsonObject[]] // items of an output are objects
}

const nameOf = ({ type, name, namespace }: JsonObject) => [type, name, namespace]

for (const to of ['openai-chat', 'anthropic-messages', 'gemini', 'bedrock-converse', 'cohere', 'ollama']) {
  test(`each tool of a namespace is offered to an upstream of ${to} by both names`, () => {
    const translation = translated({ tools: [MAIL, PLAIN] }, to)
    const names = translation.body.toString().match(/"name":"[^"]+"/g)
    assert.deepEqual(
      names,
      ['mail__search', 'mail__send', 'mail__write', 'look'].map((name) => `"name":"${name}"`),
    )
    assert.deepEqual(translation.losses.dropped, [])
    assert.ok(translation.losses.adapted.includes('tools[].namespace'))
  })
}

test('a tool says what its namespace is, unless that would be too long', () => {
  const [search, send, , look] = offered(translated({ tools: [MAIL, PLAIN] }))
  assert.deepEqual(search, ['mail__search', 'Letters of the user.\n\nFinds letters.'])
  assert.deepEqual(send, ['mail__send', 'Letters of the user.'])
  assert.deepEqual(look, ['look', undefined])
  const long = translated({ tools: [{ ...MAIL, description: 'x'.repeat(1020) }] })
  assert.deepEqual(offered(long)[0], ['mail__search', 'Finds letters.'])
  assert.deepEqual(long.losses.dropped, ['tools[].namespace.description'])
})

test('a call of such a tool comes back by its own name and its namespace, whole and streamed', () => {
  const translation = translated({ tools: [MAIL, PLAIN] })
  const [whole, begun] = told(
    translation,
    { name: 'mail__search' },
    { name: 'look' },
    { name: 'mail__write', arguments: 'Dear', custom: true },
  )
  const names = [
    ['function_call', 'search', 'mail'],
    ['function_call', 'look', undefined],
    ['custom_tool_call', 'write', 'mail'],
  ]
  assert.deepEqual(whole.map(nameOf), names)
  assert.deepEqual(begun.map(nameOf), names)
})

test('names that others have, that are too long or in other letters are told apart, and come back', () => {
  const long = 'n'.repeat(60)
  const spaces = [
    { type: 'namespace', name: 'a', tools: [inner('b__c'), inner('look')] },
    { type: 'namespace', name: 'a__b', tools: [inner('c')] },
    { type: 'namespace', name: long, tools: [inner('first'), inner('second')] },
    { type: 'namespace', name: 'öl', tools: [inner('x')] },
  ]
  const translation = translated({ tools: [...spaces, inner('a__look')] })
  const names = offered(translation).map(([name]) => String(name))
  assert.equal(new Set(names).size, 7)
  assert.equal(names.at(-1), 'a__look', 'a tool without a namespace keeps its name')
  for (const name of names) assert.match(name, /^[A-Za-z0-9_-]{1,64}$/)
  const [whole] = told(translation, ...names.map((name) => ({ name })))
  assert.deepEqual(
    whole.map(({ name, namespace }) => [namespace, name]),
    [
      ['a', 'b__c'],
      ['a', 'look'],
      ['a__b', 'c'],
      [long, 'first'],
      [long, 'second'],
      ['öl', 'x'],
      [undefined, 'a__look'],
    ],
  )
})

test('calls of earlier turns have the name by which the tool is offered', () => {
  const call = { type: 'function_call', call_id: 'c1', name: 'search', namespace: 'mail', arguments: '{}' }
  const input = [{ role: 'user', content: 'Hi' }, call, { type: 'function_call_output', call_id: 'c1', output: 'none' }]
  const translation = translated({ tools: [inner('mail__search'), MAIL], input })
  const [, search] = offered(translation)
  assert.match(String(search?.[0]), /^mail__search_[0-9a-f]{8}$/)
  const { messages } = sent(translation)
  assert.ok(Array.isArray(messages))
  assert.equal(messages[1].tool_calls[0].function.name, search?.[0])
  assert.deepEqual(translation.losses.dropped, [])
  assert.ok(translation.losses.adapted.includes('messages[].tool_call.namespace'))
})

test('a choice may name such a tool alone, with its namespace, or all of a namespace', () => {
  const rows = [
    [{ type: 'function', name: 'send' }, 'mail__send'],
    [{ type: 'function', name: 'send', namespace: 'mail' }, 'mail__send'],
    [{ type: 'function', name: 'mail__send' }, 'mail__send'],
    [{ type: 'function', name: 'look' }, 'look'],
  ] as const
  for (const [choice, name] of rows) {
    const body = sent(translated({ tools: [MAIL, PLAIN], tool_choice: choice }))
    assert.deepEqual(body['tool_choice'], { type: 'function', function: { name } })
  }
  const tools = [{ type: 'namespace', name: 'mail' }]
  const { request } = translated({ tools: [MAIL, PLAIN], tool_choice: { type: 'allowed_tools', mode: 'auto', tools } })
  assert.ok(request.toolChoice?.type === 'allowed')
  assert.deepEqual(request.toolChoice.names, ['mail__search', 'mail__send', 'mail__write'])
})

test('an upstream of the same dialect gets groups, calls and choices as they came', () => {
  const asked = {
    tools: [PLAIN, { ...MAIL, name: 'm'.repeat(64), odd: 1 }, { ...MAIL, tools: [inner('search', { odd: 1 })] }],
    tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'search' }] },
    input: [
      { type: 'message', role: 'user', content: 'Hi' },
      { type: 'function_call', call_id: 'c1', name: 'search', namespace: 'mail', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'none' },
    ],
  }
  const translation = translated(asked, 'openai-responses')
  const { tools, tool_choice, input } = sent(translation)
  assert.deepEqual({ tools, tool_choice, input }, asked)
  assert.equal(translation.losses.header(), 'exact')
})

test('an answer of the same dialect keeps the namespace that the upstream said', () => {
  const { request } = translated({ tools: [MAIL] }, 'openai-responses')
  const call = { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'search', namespace: 'mail', arguments: '{}' }
  const decoded = openaiResponsesUpstream.decodeAnswer({ status: 'completed', output: [call] }, decodeContext())
  assert.ok('choices' in decoded)
  const context: AnswerContext = { id: 'x', model: 'm', createdAt: 1, request, losses: new Losses() }
  assert.deepEqual(client.encodeAnswer(decoded, context)['output'], [{ ...call, status: 'completed' }])
})

test('the answer repeats the groups and the choice as they were asked for', () => {
  const tool_choice = { type: 'function', name: 'send' }
  const { request } = translated({ tools: [MAIL], tool_choice })
  const context: AnswerContext = { id: 'x', model: 'm', createdAt: 1, request, losses: new Losses() }
  const answer: ModelAnswer = { dialect: 'openai-chat', choices: [{ index: 0, parts: [], stop: { reason: 'end' } }] }
  const encoded = client.encodeAnswer(answer, context)
  assert.deepEqual([encoded['tools'], encoded['tool_choice']], [[MAIL], tool_choice])
})

test('what of a group has no equal is named in the report', () => {
  const odd = { ...MAIL, odd: 1, tools: [...MAIL.tools, { type: 'mcp', server_label: 's' }] }
  const { losses } = translated({ tools: [odd] })
  assert.deepEqual(
    losses.dropped.filter((name) => name.startsWith('tools[].namespace')),
    ['tools[].namespace.odd', 'tools[].namespace.tools'],
  )
  const none = translated({ tools: [{ type: 'namespace', name: 'n', tools: [] }] })
  assert.deepEqual(none.losses.dropped, ['tools[].namespace.n'])
})
