import { FAILURE_CLASSES } from '../ai/words.ts'
import type { ConfigDocument, TargetConfig } from '../config/index.ts'
import { memoriesOfTarget } from './model-memories.ts'
import { type ModelStatusSources, type ModelTargetStatus, modelStatus } from './model-status.ts'

/** What is known of models' targets, as the admin API tells it: names, numbers and instants, no secrets. */
export interface ShownTargets {
  /** By what is learned together: one model of one provider with one credential. */
  readonly data: readonly ShownTarget[]
  /** The groups of the configuration; `ids` lead to `data`. */
  readonly models: readonly ShownModel[]
}

export interface ShownTarget {
  /** `openai/*17` is one of the places that names share which no entry has, `openai/*` the worst of them. */
  readonly id: string
  readonly provider: string
  /** `*`: all names that no entry has. */
  readonly model: string
  /** Name of the credential; null where the provider has one. */
  readonly credential: string | null
  readonly breaker: ModelTargetStatus['breaker']
  readonly opens_in_ms: number
  readonly rests_ms: number
  /** Nobody asks it for so long. */
  readonly refuses_ms: number
  readonly rest: {
    readonly what: 'target' | 'credential'
    readonly until: string
    /** Class of the failure that it came of. */
    readonly why: string
    readonly asked_by_upstream: boolean
  } | null
  /** Median and 95th percentile of the last 128 whole answers, and of the first words of the last 128 streams. */
  readonly first_byte_ms: number | null
  readonly first_byte_p95_ms: number | null
  readonly first_byte_stream_ms: number | null
  readonly first_byte_stream_p95_ms: number | null
  readonly failure_share: number
  readonly in_flight: number
  /** Requests that have a place, and that wait for one, where it is bounded; else null. */
  readonly served: number | null
  readonly queued: number | null
}

export interface ShownModel {
  readonly model: string
  readonly strategy: string
  readonly internal: boolean
  readonly targets: readonly {
    /** `models.fast.targets[0]` */
    readonly place: string
    /** Another model, whose strategy chooses; else null. */
    readonly group: string | null
    readonly ids: readonly string[]
    readonly enabled: boolean
    readonly weight: number
    readonly priority: number | null
    readonly label: string | null
    readonly tags: readonly string[]
    readonly concurrency: { readonly max: number; readonly queue: number; readonly wait_ms: number } | null
  }[]
}

export interface ShownTargetsSources extends ModelStatusSources {
  readonly document: () => ConfigDocument
}

/** Every target of the configuration in force, as it is now. */
export function shownTargets({ document, ...sources }: ShownTargetsSources): ShownTargets {
  const now = document()
  const nowMs = Date.now()
  return {
    data: modelStatus(now, sources).map((status) => shown(status, nowMs)),
    models: Object.entries(now.models).map(([model, { strategy, internal, targets }]) => ({
      model,
      strategy: strategy?.type ?? (targets.length > 1 ? 'fallback' : 'single'),
      internal,
      targets: targets.map((target, index) => member(now, target, `models.${model}.targets[${index}]`)),
    })),
  }
}

function shown(status: ModelTargetStatus, nowMs: number): ShownTarget {
  const { id, provider, model, credential, breaker, opensInMs, rest, failureShare, inFlight, bounded } = status
  return {
    id,
    provider,
    model,
    credential,
    breaker,
    opens_in_ms: Math.ceil(opensInMs),
    rests_ms: Math.ceil(rest?.leftMs ?? 0),
    refuses_ms: Math.ceil(Math.max(opensInMs, rest?.askedMs ?? 0)),
    rest:
      rest === null
        ? null
        : {
            what: rest.what,
            until: new Date(nowMs + rest.leftMs).toISOString(),
            why: FAILURE_CLASSES[rest.reason] ?? 'unknown',
            asked_by_upstream: rest.isAsked,
          },
    first_byte_ms: status.whole?.medianMs ?? null,
    first_byte_p95_ms: status.whole?.p95Ms ?? null,
    first_byte_stream_ms: status.streamed?.medianMs ?? null,
    first_byte_stream_p95_ms: status.streamed?.p95Ms ?? null,
    failure_share: failureShare,
    in_flight: inFlight,
    served: bounded?.served ?? null,
    queued: bounded?.queued ?? null,
  }
}

function member(document: ConfigDocument, target: TargetConfig, place: string): ShownModel['targets'][number] {
  const { group = null, enabled, weight = 1, priority = null, label = null, tags, concurrency } = target
  return {
    place,
    group,
    ids: memoriesOfTarget(document, target).map(({ id }) => id),
    enabled,
    weight,
    priority,
    label,
    tags,
    concurrency:
      concurrency === undefined ? null : { max: concurrency.max, queue: concurrency.queue, wait_ms: concurrency.wait },
  }
}
