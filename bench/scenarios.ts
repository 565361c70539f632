import type { ScenarioId } from './options.ts'
import { chatRequest, streamEvents, streamRequest } from './payload.ts'
import type { Mocks } from './variants.ts'

/** A scenario that puts load on every variant. */
export type LoadScenario = {
  readonly id: Exclude<ScenarioId, 'S10'>
  readonly title: string
  readonly upstream: keyof Pick<Mocks, 'instant' | 'slow' | 'stream'>
  readonly body: string
  readonly connections: readonly number[]
  /** Events of one streamed answer; null where the answer is not a stream. */
  readonly events: number | null
}

/** The load scenarios by id. */
export const loadScenarios: { readonly [Id in LoadScenario['id']]: LoadScenario } = {
  S1: {
    id: 'S1',
    title: 'upstream answers after 60 ms',
    upstream: 'slow',
    body: chatRequest,
    connections: [50, 150, 300, 500, 1000],
    events: null,
  },
  S2: {
    id: 'S2',
    title: 'upstream answers at once',
    upstream: 'instant',
    body: chatRequest,
    connections: [1, 16, 64, 256],
    events: null,
  },
  S3a: {
    id: 'S3a',
    title: 'upstream streams 100 content events in one burst',
    upstream: 'stream',
    body: streamRequest,
    connections: [1, 16, 64],
    events: streamEvents,
  },
}
