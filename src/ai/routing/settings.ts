import type { ConfigDocument, ModelConfig, TargetConfig } from '../../config/index.ts'
import type { Timeouts } from '../../core/index.ts'
import type { BreakerSettings, ConcurrencySettings, GroupLimits, RetrySettings } from './contract.ts'

/** The breaker of a target: what it says itself, else what holds for all. */
export function breakerOf({ routing }: ConfigDocument, target: TargetConfig | undefined): BreakerSettings | null {
  if (target?.breaker === 'off') return null
  const { consecutive_failures, failure_share, minimum_volume, window, open, probes } = {
    ...routing.breaker,
    ...definedOf(target?.breaker ?? {}),
  }
  if (consecutive_failures === 0 && failure_share === 0) return null
  return {
    consecutiveFailures: consecutive_failures === 0 ? null : consecutive_failures,
    failureShare: failure_share === 0 ? null : { share: failure_share, minimumVolume: minimum_volume },
    windowMs: window,
    openMs: open,
    probes,
  }
}

/** How often one request tries at a target. */
export function retryOf(
  { routing }: ConfigDocument,
  model: ModelConfig | undefined,
  target: TargetConfig | undefined,
): RetrySettings {
  const { attempts_per_target } = { ...routing.retry, ...definedOf(model?.retry ?? {}) }
  return {
    attemptsPerTarget: target?.attempts ?? attempts_per_target,
  }
}

/** What holds for a request to a model, whatever serves it. */
export function limitsOf({ routing }: ConfigDocument, model: ModelConfig | undefined): GroupLimits {
  const { attempts, within, backoff, max_backoff } = { ...routing.retry, ...definedOf(model?.retry ?? {}) }
  return {
    attempts,
    withinMs: within,
    backoff: { baseMs: backoff, maxMs: max_backoff },
    onRefusal: model?.on_refusal ?? routing.on_refusal,
  }
}

/** How many requests a target has at a time; null: any number. */
export function concurrencyOf(target: TargetConfig | undefined): ConcurrencySettings | null {
  if (target?.concurrency === undefined) return null
  const { max, queue, wait } = target.concurrency
  return { max, queue, waitMs: wait }
}

/** The deadlines of a provider, but for those that a target has of its own. */
export function timeoutsOf(shared: Timeouts, target: TargetConfig | undefined): Timeouts {
  const own = target?.timeouts
  if (own === undefined) return shared
  return {
    ...shared,
    connectMs: own.connect ?? shared.connectMs,
    firstByteMs: own.first_byte ?? shared.firstByteMs,
    firstByteStreamMs: own.first_byte_stream ?? shared.firstByteStreamMs,
    idleMs: own.idle ?? shared.idleMs,
    totalMs: own.total ?? shared.totalMs,
  }
}

/** Without the members that are there and undefined, which would hide a default. */
function definedOf<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  // What is left has no member that is undefined.
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
