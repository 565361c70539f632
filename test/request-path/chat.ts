import { ConversationState } from '../../src/ai/conversation/conversation-state.ts'
import { READERS } from '../../src/ai/conversation/readers.ts'
import type { ConversationRequest } from '../../src/ai/conversation/request-reader.ts'
import type { Surface } from '../../src/ai/conversation/surface.ts'
import { openaiChatClient } from '../../src/ai/dialects/openai-chat/index.ts'
import { UNKNOWN } from '../../src/ai/models/capabilities.ts'
import { ModelTarget, type ModelTargetOptions } from '../../src/ai/models/target.ts'
import { TargetEndpoint } from '../../src/ai/models/target-endpoint.ts'
import type { Endpoint } from '../../src/ai/providers/endpoint.ts'
import { OPENAI_HEADERS } from '../../src/ai/providers/forwarded-headers.ts'
import { SecretSet } from '../../src/ai/providers/secret-set.ts'
import type { Exchange } from '../../src/core/index.ts'
import { createMetricsRow, GatewayMetrics, MetricsRegistry } from '../../src/observability/index.ts'
import { PATIENT } from './edge.ts'
import { type OfflineOptions, offlineExchange } from './offline.ts'

/** Metrics of one worker that nobody reads. */
export function metricsOf(): GatewayMetrics {
  return new GatewayMetrics(new MetricsRegistry({ row: createMetricsRow(), onSeries: () => undefined }))
}

const METRICS = metricsOf()
const NOWHERE = { dispatch: () => false, close: () => Promise.resolve() }

/** The credential of the target's provider. */
export const SECRET = 'provider-secret-42'

/** The surface of chat completions. */
export const CHAT: Surface = {
  name: 'chat.completions',
  dialect: 'openai-chat',
  client: openaiChatClient,
  reader: READERS['openai-chat'],
}

const CHAT_ENDPOINT: Endpoint = {
  dialect: 'openai-chat',
  path: () => '/v1/chat/completions',
  modelInBody: true,
  quirks: null,
  habits: null,
  headers: [],
  forwards: OPENAI_HEADERS,
}
const HEADERS = ['content-type', 'application/json', 'authorization', `Bearer ${SECRET}`]

/** A target `far/small` without prices; `headers` are its provider's. */
export function targetOf(
  differences: Partial<ModelTargetOptions> & { readonly headers?: readonly string[] } = {},
): ModelTarget {
  const { headers = HEADERS, ...options } = differences
  const endpoint = new TargetEndpoint({
    endpoint: CHAT_ENDPOINT,
    model: options.model ?? 'small',
    capabilities: UNKNOWN,
    onUnsupported: 'warn',
    onLoss: 'allow',
    headers,
    dialect: null,
  })
  return new ModelTarget({
    provider: 'far',
    model: 'small',
    upstream: { name: 'far', origin: 'http://far.example', transport: NOWHERE, timeouts: PATIENT },
    endpoints: [endpoint],
    secrets: new SecretSet([SECRET]),
    prices: null,
    maxOutputTokens: null,
    reservation: { bytesPerToken: 1, outputTokens: 4_096, webSearches: 5 },
    series: (surface) => METRICS.series(surface, 'small', 'far'),
    ...options,
  })
}

/** A chat request's text: one message to `small` and what the test adds. */
export function chatBody(fields: Readonly<Record<string, unknown>> = {}): Buffer {
  return Buffer.from(JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'hello' }], ...fields }))
}

/** Reads a chat request; throws when it is refused. */
export function chatRequestOf(body: Buffer): ConversationRequest {
  const request = READERS['openai-chat'].read(body)
  if (request instanceof Error) throw request
  return request
}

export interface ChatScene {
  readonly x: Exchange
  readonly state: ConversationState
  readonly target: ModelTarget
  readonly body: Buffer
}

/** A chat request that has passed `inspect`, dispatched once. */
export function chatScene(
  fields: Readonly<Record<string, unknown>> = {},
  target: ModelTarget = targetOf(),
  offline: OfflineOptions = {},
): ChatScene {
  const body = chatBody(fields)
  const state = new ConversationState(CHAT, chatRequestOf(body))
  state.target = target
  const x = offlineExchange({ path: '/v1/chat/completions', ...offline })
  x.body = body
  x.surface = state
  x.wantsStream = state.stream
  x.attempts = 1
  x.sent = true
  return { x, state, target, body }
}
