import type { ConfigDocument } from '../config/index.ts'
import {
  breakerOpenMs,
  breakerSlot,
  breakerState,
  inPlaces,
  placesSlot,
  RECENT_ANSWERS_CELLS,
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
  /** One of the places that names share which no entry has; null: the target as a whole. */
  readonly place: number | null
  readonly inFlight: number
  readonly breaker: 'closed' | 'open' | 'half_open'
  readonly opensInMs: number
  readonly rest: RestStatus | null
  /** How long the last 128 whole answers took, and the first words of the last 128 streams; null before the first. */
  readonly whole: AnswerTimes | null
  readonly streamed: AnswerTimes | null
  readonly failureShare: number
  /** Requests that have a place or wait for one; null: no entry bounds it. */
  readonly bounded: { readonly served: number; readonly queued: number } | null
}

export interface AnswerTimes {
  readonly medianMs: number
  readonly p95Ms: number
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

/**
 * Every target of a document's models, as they are at this moment. Where names share a target's memory it is told as a whole, as its
 * worst place has it, and then each of the places that anything is known of.
 */
export function modelStatus(
  document: Pick<ConfigDocument, 'providers' | 'models'>,
  sources: ModelStatusSources,
): readonly ModelTargetStatus[] {
  const reader = new StatusReader(sources)
  return memoriesOf(document).flatMap((memory) => {
    if (memory.places === 1) return reader.read(memory, null) ?? []
    const all = Array.from({ length: memory.places }, (_, place) => reader.read(memory, place)).filter(isThere)
    const whole = reader.read(memory, null)
    return whole === null ? [] : [worstOf(whole, all), ...all.filter(isKnown)]
  })
}

class StatusReader {
  readonly #sources: ModelStatusSources
  readonly #cells: ReturnType<typeof viewCells>
  readonly #nowMs = monotonicUs() / 1_000

  constructor(sources: ModelStatusSources) {
    this.#sources = sources
    this.#cells = viewCells(sources.counters)
  }

  /** Null when its memory is not there yet. `place`: one of those that share it; null: the first. */
  read(memory: ModelMemory, place: number | null): ModelTargetStatus | null {
    const { id, credentialId, credential, provider, places } = memory
    const { seats } = this.#sources
    const seat = { number: 0, of: seats }
    const find = (need: SlotNeed) => this.#find(inPlaces(need, places), (place ?? 0) * need.cells)
    const target = find(targetSlot(MODELS, id, seats))
    const recent = find(recentAnswersSlot(MODELS, id))
    const breaker = find(breakerSlot(MODELS, id, seats))
    if (target === null || recent === null || breaker === null) return null
    const cells = this.#cells
    const answers = new RecentAnswers(cells, recent)
    const bounded = this.#find(placesSlot(MODELS, id, seats))
    const shared = bounded === null ? null : new SharedPlaces(cells, bounded, seat)
    return {
      ...memory,
      id: place === null ? id : `${provider}/*${place}${credential === null ? '' : `#${credential}`}`,
      place,
      inFlight: new TargetState(cells, target, seat).inFlight,
      breaker: breakerState(cells, breaker, this.#nowMs),
      opensInMs: breakerOpenMs(cells, breaker, this.#nowMs),
      rest: longer(
        this.#rest('target', restsSlot(MODELS, id, places), place ?? 0),
        this.#rest('credential', restsSlot(MODELS, credentialId, 1), 0),
      ),
      whole: timesOf(answers),
      streamed: timesOf(new RecentAnswers(cells, recent + RECENT_ANSWERS_CELLS)),
      failureShare: answers.failureShare(this.#nowMs),
      bounded: shared === null ? null : { served: shared.served.taken, queued: shared.queued.taken },
    }
  }

  #find({ name }: SlotNeed, offset = 0): number | null {
    const index = this.#sources.slots.find(name)
    return index === null ? null : index + offset
  }

  #rest(what: RestStatus['what'], need: SlotNeed, place: number): RestStatus | null {
    const index = this.#find(need)
    const rests = index === null ? null : new Rests(this.#cells, index, place + 1)
    const leftMs = rests?.leftMs(place, this.#nowMs) ?? 0
    if (rests === null || leftMs === 0) return null
    const askedMs = rests.askedMs(place, this.#nowMs)
    return { what, leftMs, askedMs, isAsked: askedMs === leftMs, reason: rests.reason(place) }
  }
}

function timesOf(answers: RecentAnswers): AnswerTimes | null {
  return answers.timed === 0 ? null : { medianMs: answers.medianMs, p95Ms: answers.withinMs(0.95) }
}

function longer(one: RestStatus | null, other: RestStatus | null): RestStatus | null {
  if (one === null || other === null) return one ?? other
  const askedMs = Math.max(one.askedMs, other.askedMs)
  return { ...(one.leftMs >= other.leftMs ? one : other), askedMs }
}

const BY_BREAKER = { closed: 0, half_open: 1, open: 2 } as const

/** What is told of all places as one: how many are in flight, and of the rest the worst. */
function worstOf(whole: ModelTargetStatus, all: readonly ModelTargetStatus[]): ModelTargetStatus {
  return all.reduce(worse, { ...whole, inFlight: 0 })
}

function worse(one: ModelTargetStatus, other: ModelTargetStatus): ModelTargetStatus {
  return {
    ...one,
    inFlight: one.inFlight + other.inFlight,
    breaker: BY_BREAKER[other.breaker] > BY_BREAKER[one.breaker] ? other.breaker : one.breaker,
    opensInMs: Math.max(one.opensInMs, other.opensInMs),
    rest: longer(one.rest, other.rest),
    whole: slower(one.whole, other.whole),
    streamed: slower(one.streamed, other.streamed),
    failureShare: Math.max(one.failureShare, other.failureShare),
  }
}

function slower(one: AnswerTimes | null, other: AnswerTimes | null): AnswerTimes | null {
  if (one === null || other === null) return one ?? other
  return one.medianMs >= other.medianMs ? one : other
}

function isThere(status: ModelTargetStatus | null): status is ModelTargetStatus {
  return status !== null
}

function isKnown({ inFlight, breaker, rest, whole, streamed, failureShare }: ModelTargetStatus): boolean {
  if (inFlight > 0 || breaker !== 'closed' || failureShare > 0 || whole !== null || streamed !== null) return true
  return rest !== null && rest.what === 'target'
}
