import { EventStreamCodec } from '@smithy/eventstream-codec'
import { at } from '../../harness/json.ts'
import { answerOf, errorAnswer, type MockEvent } from '../../mocks/bedrock-converse/answers.ts'
import { checkRequest } from '../../mocks/bedrock-converse/check-request.ts'
import { type Script, USED } from './script.ts'
import { newest, VENDOR_KEY, type Vendor } from './vendor.ts'

const STOPS = { end: 'end_turn', calls: 'tool_use', length: 'max_tokens', filter: 'content_filtered' } as const
const USAGE = { inputTokens: USED.input, outputTokens: USED.output, totalTokens: USED.input + USED.output }
const SEAL = 'EqQBCgIYAhIMc2VhbA=='
const MODEL = /^\/model\/([^/]+)\//

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text),
)

/** One frame of an event stream of AWS. */
export function frame({ name, data }: MockEvent, type: 'event' | 'exception' = 'event'): Buffer {
  const headers = {
    ':message-type': { type: 'string', value: type },
    [`:${type}-type`]: { type: 'string', value: name },
    ':content-type': { type: 'string', value: 'application/json' },
  } as const
  return Buffer.from(codec.encode({ headers, body: Buffer.from(JSON.stringify(data)) }))
}

function answer({ thought, text, calls = [], stop }: Script) {
  const content = [
    ...(thought === undefined ? [] : [{ reasoningContent: { reasoningText: { text: thought, signature: SEAL } } }]),
    ...(text === undefined ? [] : [{ text }]),
    ...calls.map(({ name, input }, index) => ({ toolUse: { toolUseId: `tooluse_${index}`, name, input } })),
  ]
  return answerOf({ content, stop: STOPS[stop], usage: USAGE })
}

/** Claude on Bedrock, by Converse. */
export const bedrock: Vendor = {
  name: 'bedrock',
  config: { kind: 'bedrock', dialects: ['bedrock-converse'] },
  root: '',
  model: 'anthropic.claude-sonnet-4-5',
  check: (request) => {
    const wrongKey = request.headers['authorization'] !== `Bearer ${VENDOR_KEY}`
    return wrongKey ? { status: 403, body: errorAnswer('Invalid API Key format') } : checkRequest(request)
  },
  modelOf: ({ path }) => decodeURIComponent(MODEL.exec(path)?.[1] ?? ''),
  streams: ({ path }) => path.endsWith('/converse-stream'),
  hasResults: (body) => at(newest(body, 'messages'), 'content', 0, 'toolResult') !== undefined,
  whole: (script) => answer(script).body,
  streamType: 'application/vnd.amazon.eventstream',
  stream: (script) => answer(script).events.map((event) => frame(event)),
  error: (_status, message) => errorAnswer(message),
  streamError: frame({ name: 'modelStreamErrorException', data: { message: 'It failed.' } }, 'exception'),
  seal: SEAL,
}
