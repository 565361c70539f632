import { checkRequest } from '../../mocks/anthropic-messages/check-request.ts'
import { errorAnswer } from '../../mocks/bedrock-converse/answers.ts'
import { anthropic } from './anthropic.ts'
import { frame } from './bedrock.ts'
import { VENDOR_KEY, type Vendor, type VendorAnswer, type VendorRequest } from './vendor.ts'

/*
 * Claude on Bedrock in its own dialect ("InvokeModel", "InvokeModelWithResponseStream" and the user guide's page on Claude's messages,
 * 2026): the model stands in the path, the version and the betas in the body, and a stream comes in frames of AWS.
 */

const PATH = /^\/model\/([^/]+)\/invoke(-with-response-stream)?$/
const FIGURES = { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 25, outputTokenCount: 15 } }

function check({ body, headers, method, path }: VendorRequest): VendorAnswer | null {
  const wrong = (message: string) => ({ status: 400, body: errorAnswer(message) })
  const match = PATH.exec(path)
  if (match === null) return { status: 404, body: errorAnswer('Unknown operation') }
  if (headers['authorization'] !== `Bearer ${VENDOR_KEY}`) return { status: 403, body: errorAnswer('Invalid API Key') }
  const { anthropic_version: version, anthropic_beta: betas = [], ...own } = body
  if (version !== 'bedrock-2023-05-31') return wrong('anthropic_version: Field required')
  for (const name of ['model', 'stream']) if (name in own) return wrong(`${name}: Extra inputs are not permitted`)
  const isKnown = (beta: unknown) => typeof beta === 'string' && !beta.startsWith('unknown')
  if (!Array.isArray(betas) || !betas.every(isKnown)) return wrong('invalid beta flag')
  for (const name of ['anthropic-beta', 'anthropic-version', 'x-api-key']) {
    if (headers[name] !== undefined) return wrong(`the header ${name} means nothing here`)
  }
  const asked = { ...own, model: 'claude', ...(match[2] !== undefined && { stream: true }) }
  const direct = { ...headers, 'anthropic-version': '2023-06-01' }
  const refused = checkRequest({ method, path: '/v1/messages', headers: direct, body: asked })
  return refused === null ? null : wrong(JSON.stringify(refused.body))
}

function chunkOf(event: string | Buffer): Buffer {
  const json = /^data: (.*)$/m.exec(String(event))?.[1] ?? ''
  const told = json.includes('"message_stop"') ? JSON.stringify({ ...JSON.parse(json), ...FIGURES }) : json
  return frame({ name: 'chunk', data: { bytes: Buffer.from(told).toString('base64'), p: 'abcdefgh' } })
}

export const bedrockInvoke: Vendor = {
  ...anthropic,
  name: 'bedrock',
  config: { kind: 'bedrock' },
  root: '',
  model: 'us.anthropic.claude-sonnet-4-5-v1:0',
  check,
  modelOf: ({ path }) => decodeURIComponent(PATH.exec(path)?.[1] ?? ''),
  streams: ({ path }) => path.endsWith('-stream'),
  streamType: 'application/vnd.amazon.eventstream',
  stream: (script) => anthropic.stream(script).map(chunkOf),
  error: (_status, message) => errorAnswer(message),
  streamError: frame({ name: 'throttlingException', data: { message: 'Too many tokens.' } }, 'exception'),
}
