import { ConversationState } from '../../src/ai/conversation/conversation-state.ts'
import { type ConversationRequest, readChatRequest } from '../../src/ai/conversation/request.ts'
import { ModelTarget, type ModelTargetOptions } from '../../src/ai/models/target.ts'
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

/** A target `far/small` without prices. */
export function targetOf(differences: Partial<ModelTargetOptions> = {}): ModelTarget {
  return new ModelTarget({
    provider: 'far',
    model: 'small',
    upstream: { name: 'far', origin: 'http://far.example', transport: NOWHERE, timeouts: PATIENT },
    path: '/v1/chat/completions',
    headers: ['content-type', 'application/json', 'authorization', `Bearer ${SECRET}`],
    secrets: [SECRET],
    prices: null,
    maxOutputTokens: null,
    reservation: { bytesPerToken: 1, outputTokens: 4_096 },
    series: METRICS.series('chat.completions', 'small', 'far'),
    ...differences,
  })
}

/** A chat request's text: one message to `small` and what the test adds. */
export function chatBody(fields: Readonly<Record<string, unknown>> = {}): Buffer {
  return Buffer.from(JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'hello' }], ...fields }))
}

/** Reads a chat request; throws when it is refused. */
export function chatRequestOf(body: Buffer): ConversationRequest {
  const request = readChatRequest(body)
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
  const state = new ConversationState(chatRequestOf(body))
  state.target = target
  const x = offlineExchange({ path: '/v1/chat/completions', ...offline })
  x.body = body
  x.surface = state
  x.wantsStream = state.stream
  x.attempts = 1
  x.sent = true
  return { x, state, target, body }
}
