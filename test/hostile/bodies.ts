import type { ClientDialectName } from '../../src/ai/conversation/readers.ts'
import type { JsonObject } from '../../src/ai/ir/json.ts'

/** A body whose work could grow faster than its length: `make(n)` has n of what repeats. */
export interface HostileBody {
  readonly name: string
  readonly client: ClientDialectName
  readonly make: (n: number) => JsonObject
}

const times = <Made>(n: number, make: (at: number) => Made): Made[] => Array.from({ length: n }, (_, at) => make(at))
const user = (content: unknown) => ({ role: 'user', content })
const FIRST = user('a')
const schemaless = { type: 'object', properties: {} }

const chatCall = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
const chatCalls = (...ids: readonly string[]) => ({ role: 'assistant', content: null, tool_calls: ids.map(chatCall) })
const chatResult = (id: string) => ({ role: 'tool', tool_call_id: id, content: 'r' })
const chatTool = (name: string, parameters: unknown = schemaless) => ({
  type: 'function',
  function: { name, parameters },
})
const chat = (name: string, make: (n: number) => JsonObject): HostileBody => ({ name, client: 'openai-chat', make })
const messages = (list: readonly unknown[], more: JsonObject = {}): JsonObject => ({
  model: 'm',
  messages: list,
  ...more,
})

/** References of one schema that lead to the next three times: written out they are 3^deep. */
function multiplied(deep: number): JsonObject {
  const defs: Record<string, unknown> = { d0: { type: 'string' } }
  for (let at = 1; at <= deep; at++) defs[`d${at}`] = { anyOf: times(3, () => ({ $ref: `#/$defs/d${at - 1}` })) }
  return { type: 'object', properties: { a: { $ref: `#/$defs/d${deep}` } }, $defs: defs }
}

export const HOSTILE_BODIES: readonly HostileBody[] = [
  chat('calls of one id', (n) => messages([FIRST, ...times(n, () => [chatCalls('x'), chatResult('x')]).flat()])),
  chat('calls of one id side by side', (n) =>
    messages([FIRST, chatCalls(...times(n, () => 'x')), ...times(n, () => chatResult('x'))]),
  ),
  chat('results without calls', (n) => messages(times(n, (at) => [FIRST, chatResult(`o${at}`)]).flat())),
  chat('results side by side', (n) => {
    const ids = times(n, (at) => `c${at}`)
    return messages([FIRST, chatCalls(...ids), ...ids.map(chatResult)])
  }),
  chat('results in reverse', (n) => {
    const ids = times(n, (at) => `c${at}`)
    return messages([FIRST, chatCalls(...ids), ...ids.toReversed().map(chatResult)])
  }),
  chat('users who follow each other', (n) => messages(times(n, () => FIRST))),
  chat('users with members of their own', (n) => messages(times(n, (at) => ({ ...FIRST, [`zz${at}`]: 1 })))),
  chat('instructions', (n) => messages([...times(n, () => ({ role: 'system', content: 'a' })), FIRST])),
  chat('instructions in the middle', (n) => messages(times(n, () => [FIRST, { role: 'system', content: 'a' }]).flat())),
  chat('cache marks', (n) =>
    messages([user(times(n, () => ({ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } })))]),
  ),
  chat('documents of one name', (n) =>
    messages([
      user(times(n, () => ({ type: 'file', file: { filename: 'a', file_data: 'data:text/plain;base64,aGk=' } }))),
    ]),
  ),
  chat('thoughts behind calls', (n) =>
    messages([
      FIRST,
      {
        ...chatCalls(...times(n, (at) => `c${at}`)),
        reasoning_details: times(n, (at) => ({ type: 'reasoning.text', text: 't', signature: 's', after: `c${at}` })),
      },
      ...times(n, (at) => chatResult(`c${at}`)),
    ]),
  ),
  chat('unknown members', (n) => messages([FIRST], Object.fromEntries(times(n, (at) => [`zz${at}`, 1])))),
  chat('tools', (n) => messages([FIRST], { tools: times(n, (at) => chatTool(`bad name ${at}`)) })),
  chat('allowed tools', (n) =>
    messages([FIRST], {
      tools: times(n, (at) => chatTool(`t${at}`)),
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: {
          mode: 'auto',
          tools: times(n, (at) => ({ type: 'function', function: { name: `t${n - at}` } })),
        },
      },
    }),
  ),
  chat('schemas whose references multiply', (n) =>
    messages([FIRST], { tools: times(Math.ceil(n / 20), (at) => chatTool(`t${at}`, multiplied(20))) }),
  ),
  chat('a schema all of whose references are one list', (n) =>
    messages([FIRST], {
      tools: [
        chatTool('t', {
          type: 'object',
          properties: Object.fromEntries(times(n, (at) => [`p${at}`, { $ref: '#/$defs/e' }])),
          $defs: { e: { type: 'string', enum: times(n, (at) => `v${at}`) } },
        }),
      ],
    }),
  ),
  {
    name: 'items of a history',
    client: 'openai-responses',
    make: (n) => ({
      model: 'm',
      store: false,
      input: [
        FIRST,
        ...times(n, (at) => ({ type: 'function_call', call_id: `c${at}`, name: 'f', arguments: '{}' })),
        ...times(n, (at) => ({ type: 'function_call_output', call_id: `c${at}`, output: 'r' })),
      ],
    }),
  },
  {
    name: 'items that are no messages',
    client: 'openai-responses',
    make: (n) => ({ model: 'm', store: false, input: [...times(n, () => ({ type: 'unknown_output', x: 1 })), FIRST] }),
  },
  {
    name: 'calls of the model',
    client: 'gemini',
    make: (n) => ({
      contents: times(n, () => ({ role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] })),
    }),
  },
  {
    name: 'results in reverse',
    client: 'gemini',
    make: (n) => ({
      contents: [
        { role: 'user', parts: [{ text: 'a' }] },
        { role: 'model', parts: times(n, (at) => ({ functionCall: { id: `c${at}`, name: 'f', args: {} } })) },
        {
          role: 'user',
          parts: times(n, (at) => ({
            functionResponse: { id: `c${n - 1 - at}`, name: 'f', response: { output: 'r' } },
          })),
        },
      ],
    }),
  },
  {
    name: 'calls without ids and their results in reverse',
    client: 'gemini',
    make: (n) => ({
      contents: [
        { role: 'user', parts: [{ text: 'a' }] },
        { role: 'model', parts: times(n, (at) => ({ functionCall: { name: `f${at}`, args: {} } })) },
        {
          role: 'user',
          parts: times(n, (at) => ({ functionResponse: { name: `f${n - 1 - at}`, response: { output: 'r' } } })),
        },
      ],
    }),
  },
  {
    name: 'empty texts of the model',
    client: 'gemini',
    make: (n) => ({
      contents: [
        { role: 'model', parts: times(n, () => ({ text: '' })) },
        ...times(n, () => ({ role: 'model', parts: [{ text: '' }] })),
        { role: 'user', parts: [{ text: 'a' }] },
      ],
    }),
  },
  {
    name: 'blocks of one turn',
    client: 'anthropic-messages',
    make: (n) => ({
      model: 'm',
      max_tokens: 5,
      messages: [
        FIRST,
        { role: 'assistant', content: times(n, (at) => ({ type: 'tool_use', id: `c${at}`, name: 'f', input: {} })) },
        user(times(n, (at) => ({ type: 'tool_result', tool_use_id: `c${n - 1 - at}`, content: 'r' }))),
      ],
    }),
  },
  {
    name: 'turns',
    client: 'anthropic-messages',
    make: (n) => ({
      model: 'm',
      max_tokens: 5,
      system: times(n, () => ({ type: 'text', text: 's' })),
      messages: times(n, (at) => ({ role: at % 2 === 0 ? 'user' : 'assistant', content: 'a' })),
      tools: times(n, (at) => ({ name: `t${at}`, input_schema: schemaless })),
    }),
  },
]
