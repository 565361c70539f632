import { chatPath } from './nginx.ts'
import type { ScenarioId, VariantName } from './options.ts'
import {
  chatRequest,
  contentEvents,
  largeRequest,
  plainPaths,
  streamEvents,
  streamRequest,
  uploadRequest,
} from './payload.ts'
import type { Mocks } from './variants.ts'

/** A scenario that puts load on every variant. */
export type LoadScenario = {
  readonly id: Exclude<ScenarioId, 'S10'>
  readonly title: string
  /** `chat`: the gateway governs chat completions. `plain`: its configuration has one route to a pool, and no AI. */
  readonly setting: 'chat' | 'plain'
  readonly variants: readonly VariantName[]
  readonly upstream: keyof Pick<Mocks, 'instant' | 'slow' | 'stream' | 'plain'>
  readonly path: string
  /** Null: the request is a GET. */
  readonly body: string | null
  readonly connections: readonly number[]
  /** Events of one streamed answer; null where the answer is not a stream. */
  readonly events: number | null
  /** Whether connections are upgraded and carry messages, each of which counts as a request. */
  readonly protocol: 'http' | 'websocket'
}

const chat = {
  setting: 'chat',
  variants: ['direct', 'nginx', 'relay', 'gateway'],
  path: chatPath,
  protocol: 'http',
} as const

const plain = {
  setting: 'plain',
  variants: ['direct', 'nginx', 'pipe', 'relay', 'gateway'],
  upstream: 'plain',
  body: null,
  events: null,
  protocol: 'http',
} as const

/** The load scenarios by id. */
export const loadScenarios: { readonly [Id in LoadScenario['id']]: LoadScenario } = {
  S1: {
    ...chat,
    id: 'S1',
    title: 'upstream answers after 60 ms',
    upstream: 'slow',
    body: chatRequest,
    connections: [50, 150, 300, 500, 1000],
    events: null,
  },
  S2: {
    ...chat,
    id: 'S2',
    title: 'upstream answers at once',
    upstream: 'instant',
    body: chatRequest,
    connections: [1, 16, 64, 256],
    events: null,
  },
  S3a: {
    ...chat,
    id: 'S3a',
    title: 'upstream streams 100 content events in one burst',
    upstream: 'stream',
    body: streamRequest,
    connections: [1, 16, 64],
    events: streamEvents,
  },
  C1: {
    ...plain,
    id: 'C1',
    title: 'generic route, answers of 1 KB',
    upstream: 'instant',
    path: plainPaths.small,
    connections: [64],
  },
  C2: {
    ...plain,
    id: 'C2',
    title: 'generic route, answers of 100 KB',
    upstream: 'instant',
    path: plainPaths.large,
    connections: [16],
  },
  C3a: {
    ...plain,
    id: 'C3a',
    title: 'generic route, requests of 100 KB',
    path: plainPaths.upload,
    body: largeRequest,
    connections: [16],
  },
  C3b: {
    ...plain,
    id: 'C3b',
    title: 'generic route, requests of 1 MB',
    path: plainPaths.upload,
    body: uploadRequest,
    connections: [8],
  },
  C4a: {
    ...plain,
    id: 'C4a',
    title: 'generic route, 100 events in one burst',
    path: plainPaths.burst,
    connections: [64],
    events: contentEvents,
  },
  C4b: {
    ...plain,
    id: 'C4b',
    title: 'generic route, 100 events, one after the other',
    path: plainPaths.paced,
    connections: [64],
    events: contentEvents,
  },
  C5: {
    ...plain,
    id: 'C5',
    title: 'generic route, WebSocket echo',
    path: plainPaths.echo,
    connections: [64],
    protocol: 'websocket',
  },
}
