import type { RoutingTarget, TargetStatistics } from './contract.ts'

/** Of a gateway that has learned nothing yet. */
export const NO_STATISTICS: TargetStatistics = {
  firstByteMs: () => Number.NaN,
  isThrottled: () => false,
  failureShare: () => 0,
  inFlight: () => 0,
  restsMs: () => 0,
  refusesMs: () => 0,
  opensInMs: () => 0,
}

/** What is known of one target at a moment, as a gateway tells it. */
export interface TargetFigures {
  /** Median time until whole answers were there, and until the first words of streams. */
  readonly first_byte_ms: number | null
  readonly first_byte_stream_ms: number | null
  readonly failure_share: number
  readonly in_flight: number
  readonly rests_ms: number
  readonly opens_in_ms: number
  /** How long nobody asks it: its server said so, or its breaker refuses. */
  readonly refuses_ms: number
}

/** Statistics from figures by the id of their target. */
export function toldStatistics(figures: Readonly<Record<string, TargetFigures>>): TargetStatistics {
  const of = ({ id }: RoutingTarget) => (Object.hasOwn(figures, id) ? figures[id] : undefined)
  return {
    firstByteMs: (target, kind) => {
      const figures = of(target)
      return (kind === 'stream' ? figures?.first_byte_stream_ms : figures?.first_byte_ms) ?? Number.NaN
    },
    // Only whoever is refused is told why.
    isThrottled: () => false,
    failureShare: (target) => of(target)?.failure_share ?? 0,
    inFlight: (target) => of(target)?.in_flight ?? 0,
    restsMs: (target) => of(target)?.rests_ms ?? 0,
    refusesMs: (target) => of(target)?.refuses_ms ?? 0,
    opensInMs: (target) => of(target)?.opens_in_ms ?? 0,
  }
}
