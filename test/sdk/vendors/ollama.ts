import { at } from '../../harness/json.ts'
import { failure, lines } from '../../mocks/ollama/answers.ts'
import { checkRequest } from '../../mocks/ollama/check-request.ts'
import { halves, type Script, USED } from './script.ts'
import { newest, type Vendor } from './vendor.ts'

const HEAD = { model: 'llama', created_at: '2026-08-21T10:00:00.123456Z' }
const DONE = { done: true, prompt_eval_count: USED.input, eval_count: USED.output, total_duration: 5_000_000 }

const line = (message: object, more: object = { done: false }) => ({
  ...HEAD,
  message: { role: 'assistant', content: '', ...message },
  ...more,
})

const doneOf = ({ stop }: Script) => ({ ...DONE, done_reason: stop === 'length' ? 'length' : 'stop' })

const callOf = ({ name, input }: { name: string; input: object }, index: number) => ({
  id: `call_o${index}`,
  function: { index, name, arguments: input },
})

/** Ollama, by its own chat API. */
export const ollama: Vendor = {
  name: 'ollama',
  config: { kind: 'ollama', dialects: ['ollama'] },
  root: '',
  model: 'llama3',
  check: checkRequest,
  modelOf: ({ body }) => String(body['model']),
  streams: ({ body }) => body['stream'] !== false,
  hasResults: (body) => at(newest(body, 'messages'), 'role') === 'tool',
  whole: (script) => {
    const { thought, text, calls } = script
    const message = {
      ...(thought !== undefined && { thinking: thought }),
      ...(text !== undefined && { content: text }),
      ...(calls !== undefined && { tool_calls: calls.map(callOf) }),
    }
    return line(message, doneOf(script))
  },
  streamType: 'application/x-ndjson',
  stream: (script) => {
    const { thought = '', text = '', calls = [] } = script
    const said = [
      ...halves(thought).map((half) => line({ thinking: half })),
      ...halves(text).map((half) => line({ content: half })),
      ...calls.map((call, index) => line({ tool_calls: [callOf(call, index)] })),
      line({}, doneOf(script)),
    ]
    return said.map((each) => lines([each]))
  },
  error: (_status, message) => failure(message),
  streamError: lines([failure('an error was encountered while running the model')]),
  seal: null,
}
