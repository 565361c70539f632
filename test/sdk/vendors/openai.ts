import { at } from '../../harness/json.ts'
import { chatError, sseOf } from '../../mocks/openai-chat/answers.ts'
import { checkChatRequest } from '../../mocks/openai-chat/check-request.ts'
import { halves, type Script, USED } from './script.ts'
import { newest, VENDOR_KEY, type Vendor } from './vendor.ts'

const FINISH = { end: 'stop', calls: 'tool_calls', length: 'length', filter: 'content_filter' } as const
const USAGE = { prompt_tokens: USED.input, completion_tokens: USED.output, total_tokens: USED.input + USED.output }
const HEAD = { id: 'chatcmpl-mock', created: 1_790_000_000, model: 'gpt-5.2', service_tier: 'default' }

const callsOf = ({ calls }: Script) =>
  calls?.map(({ name, input }, index) => ({
    id: `call_${index}`,
    type: 'function',
    function: { name, arguments: Object.keys(input).length === 0 ? '' : JSON.stringify(input) },
  }))

const chunk = (delta: object, finish: string | null = null) => ({
  ...HEAD,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  usage: null,
})

/** OpenAI, by chat completions. */
export const openai: Vendor = {
  name: 'openai',
  config: { kind: 'openai', dialects: ['openai-chat'] },
  root: '/v1',
  model: 'gpt-5.2',
  check: (request) => checkChatRequest(request, { key: VENDOR_KEY, reasoning: true }),
  modelOf: ({ body }) => String(body['model']),
  streams: ({ body }) => body['stream'] === true,
  hasResults: (body) => at(newest(body, 'messages'), 'role') === 'tool',
  whole: (script) => {
    const { text = null, thought, stop } = script
    const calls = callsOf(script)
    const message = {
      role: 'assistant',
      content: text,
      refusal: null,
      annotations: [],
      ...(thought !== undefined && { reasoning_content: thought }),
      ...(calls !== undefined && { tool_calls: calls }),
    }
    const choices = [{ index: 0, message, logprobs: null, finish_reason: FINISH[stop] }]
    return { ...HEAD, object: 'chat.completion', choices, usage: USAGE }
  },
  streamType: 'text/event-stream',
  stream: (script) => {
    const { text = '', thought = '', stop } = script
    const deltas: object[] = [{ role: 'assistant', content: text === '' ? null : '', refusal: null }]
    for (const half of halves(thought)) deltas.push({ reasoning_content: half })
    for (const half of halves(text)) deltas.push({ content: half })
    for (const [index, call] of (callsOf(script) ?? []).entries()) {
      const { arguments: all, name } = call.function
      deltas.push({ tool_calls: [{ ...call, index, function: { name, arguments: '' } }] })
      for (const half of halves(all)) deltas.push({ tool_calls: [{ index, function: { arguments: half } }] })
    }
    const chunks = [...deltas.map((delta) => chunk(delta)), chunk({}, FINISH[stop])]
    const usage = { ...HEAD, object: 'chat.completion.chunk', choices: [], usage: USAGE }
    return [...[...chunks, usage].map((each) => JSON.stringify(each)), '[DONE]'].map((data) => sseOf([data]))
  },
  error: (status, message) => chatError(status, message).body,
  streamError: sseOf([
    JSON.stringify({ error: { message: 'It broke.', type: 'server_error', param: null, code: null } }),
  ]),
  seal: null,
}
