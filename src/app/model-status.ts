import type { ConfigDocument } from '../config/index.ts'
import {
  breakerOpenMs,
  breakerSlot,
  breakerState,
  placesSlot,
  RecentAnswers,
  Rests,
  recentAnswersSlot,
  restsSlot,
  SharedPlaces,
  type SlotNeed,
  TargetState,
  targetSlot,
  viewCells,
} from '../core/index.ts'
import { monotonicUs, type SlotAllocator } from '../lib/index.ts'
import { type ModelMemory, memoriesOf } from './model-memories.ts'
import { MODELS } from './model-slots.ts'

/** What all workers together know of a model's target. Times in milliseconds from now, 0 for none. */
export interface ModelTargetStatus extends ModelMemory {
  readonly inFlight: number
  readonly breaker: 'closed' | 'open' | 'half_open'
  readonly opensInMs: number
  readonly rest: RestStatus | null
  /** To the first byte, of the last 128 answers; null before the first. */
  readonly firstByte: { readonly medianMs: number; readonly p95Ms: number } | null
  readonly failureShare: number
  /** Null: no entry bounds it. */
  readonly places: { readonly served: number; readonly queued: number } | null
}

/** It is left alone, or its credential is. */
export interface RestStatus {
  readonly what: 'target' | 'credential'
  readonly leftMs: number
  /** So long nobody asks it, since a server asked for that: the one of this rest, or of another that ends before it. */
  readonly askedMs: number
  /** Its server asked for that: nobody asks it before. */
  readonly isAsked: boolean
  /** Number of the failure's class. */
  readonly reason: number
}

export interface ModelStatusSources {
  readonly slots: Pick<SlotAllocator, 'find'>
  readonly counters: SharedArrayBuffer
  readonly seats: number
}

/** Every target of a document's models, as they are at this moment. */
export function modelStatus(
  document: Pick<ConfigDocument, 'providers' | 'models'>,
  { slots, counters, seats }: ModelStatusSources,
): readonly ModelTargetStatus[] {
  const cells = viewCells(counters)
  const seat = { number: 0, of: seats }
  const nowMs = monotonicUs() / 1_000
  const find = ({ name }: SlotNeed) => slots.find(name)
  const restOf = (what: RestStatus['what'], id: string): RestStatus | null => {
    const index = find(restsSlot(MODELS, id, 1))
    const rests = index === null ? null : new Rests(cells, index, 1)
    const leftMs = rests?.leftMs(0, nowMs) ?? 0
    if (rests === null || leftMs === 0) return null
    const askedMs = rests.askedMs(0, nowMs)
    return { what, leftMs, askedMs, isAsked: askedMs === leftMs, reason: rests.reason(0) }
  }
  return memoriesOf(document).flatMap((memory) => {
    const { id, credentialId } = memory
    const target = find(targetSlot(MODELS, id, seats))
    const recent = find(recentAnswersSlot(MODELS, id))
    const breaker = find(breakerSlot(MODELS, id, seats))
    if (target === null || recent === null || breaker === null) return []
    const answers = new RecentAnswers(cells, recent)
    const places = find(placesSlot(MODELS, id, seats))
    const shared = places === null ? null : new SharedPlaces(cells, places, seat)
    const status: ModelTargetStatus = {
      ...memory,
      inFlight: new TargetState(cells, target, seat).inFlight,
      breaker: breakerState(cells, breaker, nowMs),
      opensInMs: breakerOpenMs(cells, breaker, nowMs),
      rest: longer(restOf('target', id), restOf('credential', credentialId)),
      firstByte: answers.timed === 0 ? null : { medianMs: answers.medianMs, p95Ms: answers.withinMs(0.95) },
      failureShare: answers.failureShare(nowMs),
      places: shared === null ? null : { served: shared.served.taken, queued: shared.queued.taken },
    }
    return [status]
  })
}

function longer(one: RestStatus | null, other: RestStatus | null): RestStatus | null {
  if (one === null || other === null) return one ?? other
  const askedMs = Math.max(one.askedMs, other.askedMs)
  return { ...(one.leftMs >= other.leftMs ? one : other), askedMs }
}
