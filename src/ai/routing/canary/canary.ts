import type { ModelConfig } from '../../../config/index.ts'
import { type Exchange, hashText, mix, type Trial } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import { monotonicUs } from '../../../lib/index.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ChoiceOptions } from '../choose.ts'
import type { RequestFacts, RoutingTarget, StickySource } from '../contract.ts'
import type { FailureClass } from '../failures/failure-class.ts'
import { inabilityOf } from '../filter.ts'
import { hasTags, requiredTags } from '../required-tags.ts'

/** A target that is tried with a share of a group's requests, as the configuration has it. */
export interface RoutingCanary extends Omit<NonNullable<ModelConfig['canary']>, 'target'> {
  /** Entry of the configuration. */
  readonly entry: string
  readonly target: RoutingTarget
  /** What keeps requests together: all of a conversation are tried, or none. */
  readonly together: readonly StickySource[]
  /** Its settings as text; others are another trial. */
  readonly settings: string
}

/** What becomes of one request of a group with a canary. */
export interface CanaryDraw {
  /** Who is asked first; null: the targets of the group alone. */
  readonly target: RoutingTarget | null
  /** What requests are called that the group's own targets serve. */
  readonly othersVariant: string
  /** Hears how the attempt at the canary ended. */
  judge(failure: FailureClass | null): void
}

/** What answers of the canary are called, and those of the others. */
export const CANARY = 'canary'
const OTHERS = 'stable'
const OTHERS_AFTER = 'canary-stopped'

/** What the caller did wrong, or we, says nothing of the target; what sends requests elsewhere, or breaks answers, does. */
const JUDGED: Readonly<Record<FailureClass, boolean>> = {
  caller: false,
  context_length: false,
  content_refused: false,
  throttled: true,
  quota: true,
  credential: true,
  withdrawn: true,
  transient: true,
  dead: true,
  ours: false,
  cancelled: false,
}

/** From 0 to 1: the same for all requests of a conversation, so that its cache stays where it is; by chance where none is told. */
export function drawFor(
  { entry, together }: Pick<RoutingCanary, 'entry' | 'together'>,
  facts: Pick<RequestFacts, 'hashOf'>,
  random: () => number,
): number {
  for (const source of together) {
    const key = facts.hashOf(source)
    if (key >= 0) return mix(key ^ hashText(`canary of ${entry}`)) / 2 ** 32
  }
  return random()
}

/** The canaries of one plan's groups, drawn for each conversation, or request. */
export class Canaries {
  readonly #registry: ModelRegistry
  readonly #trials = new WeakMap<RoutingCanary, Trial>()

  constructor(registry: ModelRegistry) {
    this.#registry = registry
  }

  /** For a request whose group has a canary. */
  draw(x: Exchange, canary: RoutingCanary, options: Omit<ChoiceOptions, 'registry' | 'group'>): CanaryDraw | null {
    const trial = this.#trialOf(canary)
    if (trial === null) return null
    const nowMs = monotonicUs() / 1_000
    const wasStopped = trial.stopped
    const runs = trial.runs(nowMs)
    if (runs && wasStopped) this.#say('a canary begins anew', canary, trial)
    const isDrawn =
      runs &&
      drawFor(canary, options.facts, this.#registry.random) < canary.share &&
      this.#mayServe(x, canary, nowMs, options)
    return {
      target: isDrawn ? canary.target : null,
      othersVariant: runs ? OTHERS : OTHERS_AFTER,
      judge: (failure) => {
        if (failure !== null && !JUDGED[failure]) return
        if (!trial.judge(failure !== null, monotonicUs() / 1_000)) return
        this.#say('a canary failed too often and is stopped: no more requests go to it', canary, trial)
      },
    }
  }

  #trialOf(canary: RoutingCanary): Trial | null {
    const known = this.#trials.get(canary)
    if (known !== undefined) return known
    const trial = this.#registry.memories?.trialOf(canary) ?? null
    if (trial !== null) this.#trials.set(canary, trial)
    return trial
  }

  /** What speaks against a target of the group speaks against this one. */
  #mayServe(
    x: Exchange,
    { target }: RoutingCanary,
    nowMs: number,
    { facts, serves }: Omit<ChoiceOptions, 'registry' | 'group'>,
  ): boolean {
    const { statistics } = this.#registry
    if (target.target.isRefusedUnpriced || (serves !== undefined && !serves(target))) return false
    if (inabilityOf(target, facts) !== null || !hasTags(target.tags, requiredTags(facts))) return false
    if (statistics.refusesMs(target, nowMs) > 0 || statistics.restsMs(target, nowMs) > 0) return false
    const principal = principalOf(x)
    if (!principal.hasDenyLists) return true
    return principal.mayUse(this.#registry.sideNamesOf(facts.model, target))
  }

  #say(message: string, { entry, target, stop }: RoutingCanary, { failed }: Trial): void {
    this.#registry.warn?.(message, { model: entry, target: target.id, failed, of: stop.over })
  }
}
