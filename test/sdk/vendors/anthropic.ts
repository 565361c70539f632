import { at, type JsonObject } from '../../harness/json.ts'
import { answerOf, errorAnswer, sseText } from '../../mocks/anthropic-messages/answers.ts'
import { checkRequest } from '../../mocks/anthropic-messages/check-request.ts'
import { type Script, USED } from './script.ts'
import { newest, VENDOR_KEY, type Vendor, type VendorAnswer } from './vendor.ts'

const STOPS = { end: 'end_turn', calls: 'tool_use', length: 'max_tokens', filter: 'refusal' } as const
const ERRORS: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
}
const SEAL = 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds'
const USAGE = {
  input_tokens: USED.input,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: USED.output,
}

function answer({ thought, text, calls = [], stop }: Script) {
  const content = [
    ...(thought === undefined ? [] : [{ type: 'thinking', thinking: thought, signature: SEAL }]),
    ...(text === undefined ? [] : [{ type: 'text', text }]),
    ...calls.map(({ name, input }, index) => ({ type: 'tool_use', id: `toolu_${index}`, name, input })),
  ]
  return answerOf({ content, stop: STOPS[stop], usage: USAGE })
}

/** A turn of calls whose results are given opens with its thought, where thinking has a budget. */
function checkThought(body: JsonObject): VendorAnswer | null {
  const turns = body['messages']
  const isResult = at(newest(body, 'messages'), 'content', 0, 'type') === 'tool_result'
  if (at(body, 'thinking', 'type') !== 'enabled' || !isResult || !Array.isArray(turns)) return null
  const first = String(at(turns.at(-2), 'content', 0, 'type'))
  if (first === 'thinking' || first === 'redacted_thinking') return null
  const message = `Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`.`
  return { status: 400, body: errorAnswer('invalid_request_error', message) }
}

/** Anthropic, by messages. */
export const anthropic: Vendor = {
  name: 'anthropic',
  config: { kind: 'anthropic' },
  root: '/v1',
  model: 'claude-sonnet-4-5',
  check: (request) => {
    if (request.headers['x-api-key'] !== VENDOR_KEY) {
      return { status: 401, body: errorAnswer('authentication_error', 'invalid x-api-key') }
    }
    return checkRequest(request) ?? checkThought(request.body)
  },
  modelOf: ({ body }) => String(body['model']),
  streams: ({ body }) => body['stream'] === true,
  hasResults: (body) => at(newest(body, 'messages'), 'content', 0, 'type') === 'tool_result',
  whole: (script) => answer(script).body,
  streamType: 'text/event-stream',
  stream: (script) => answer(script).events.map((event) => sseText([event])),
  error: (status, message) => errorAnswer(ERRORS[status] ?? 'api_error', message),
  streamError: sseText([errorAnswer('overloaded_error', 'Overloaded')]),
  seal: SEAL,
}
