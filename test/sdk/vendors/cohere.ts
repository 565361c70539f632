import { at } from '../../harness/json.ts'
import { failure } from '../../mocks/cohere/answers.ts'
import { checkRequest } from '../../mocks/cohere/check-request.ts'
import { halves, type Script, USED } from './script.ts'
import { newest, VENDOR_KEY, type Vendor } from './vendor.ts'

const FINISH = { end: 'COMPLETE', calls: 'TOOL_CALL', length: 'MAX_TOKENS', filter: 'ERROR_TOXIC' } as const
const COUNTS = { input_tokens: USED.input, output_tokens: USED.output }
const USAGE = { billed_units: COUNTS, tokens: { ...COUNTS, input_tokens: USED.input + 70 } }

function callsOf({ calls = [] }: Script) {
  return calls.map(({ name, input }, index) => ({
    id: `${name}_${index}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }))
}

function block(index: number, type: 'text' | 'thinking', text: string): object[] {
  const delta = (member: object) => ({ message: { content: member } })
  return [
    { type: 'content-start', index, delta: delta({ type, [type]: '' }) },
    ...halves(text).map((half) => ({ type: 'content-delta', index, delta: delta({ [type]: half }) })),
    { type: 'content-end', index },
  ]
}

/** Cohere, by its second chat API. */
export const cohere: Vendor = {
  name: 'cohere',
  config: { kind: 'cohere' },
  root: '',
  model: 'command-a',
  check: (request) => checkRequest(request, VENDOR_KEY),
  modelOf: ({ body }) => String(body['model']),
  streams: ({ body }) => body['stream'] === true,
  hasResults: (body) => at(newest(body, 'messages'), 'role') === 'tool',
  whole: (script) => {
    const { thought, text, stop } = script
    const calls = callsOf(script)
    const content = [
      ...(thought === undefined ? [] : [{ type: 'thinking', thinking: thought }]),
      // Beside calls the vendor tells its plan instead.
      ...(text === undefined || calls.length > 0 ? [] : [{ type: 'text', text }]),
    ]
    const message = {
      role: 'assistant',
      ...(content.length > 0 && { content }),
      ...(calls.length > 0 && { tool_plan: text, tool_calls: calls }),
    }
    return { id: 'co-1', finish_reason: FINISH[stop], message, usage: USAGE }
  },
  streamType: 'text/event-stream',
  stream: (script) => {
    const { thought, text, stop } = script
    const calls = callsOf(script)
    const message = { role: 'assistant', content: [], tool_calls: [], tool_plan: '' }
    const events: object[] = [{ type: 'message-start', id: 'co-1', delta: { message } }]
    if (thought !== undefined) events.push(...block(0, 'thinking', thought))
    if (text !== undefined && calls.length === 0) events.push(...block(thought === undefined ? 0 : 1, 'text', text))
    if (text !== undefined && calls.length > 0) {
      for (const half of halves(text)) events.push({ type: 'tool-plan-delta', delta: { message: { tool_plan: half } } })
    }
    for (const [index, call] of calls.entries()) {
      const { arguments: all, name } = call.function
      const started = { ...call, function: { name, arguments: '' } }
      events.push({ type: 'tool-call-start', index, delta: { message: { tool_calls: started } } })
      for (const half of halves(all)) {
        events.push({
          type: 'tool-call-delta',
          index,
          delta: { message: { tool_calls: { function: { arguments: half } } } },
        })
      }
      events.push({ type: 'tool-call-end', index })
    }
    events.push({ type: 'message-end', delta: { finish_reason: FINISH[stop], usage: USAGE } })
    return events.map((event) => `event: ${String(at(event, 'type'))}\ndata: ${JSON.stringify(event)}\n\n`)
  },
  error: (_status, message) => failure(message),
  streamError: `event: message-end\ndata: {"type":"message-end","delta":{"finish_reason":"ERROR","error":"internal error"}}\n\n`,
  seal: null,
}
