import { assertNever } from '../../lib/index.ts'
import { ConsistentHash } from './consistent-hash.ts'
import type { Policy, Random, Seat, Target } from './contract.ts'
import { LeastConnections } from './least-connections.ts'
import { RandomOfTwo } from './random-of-two.ts'
import { RoundRobin } from './round-robin.ts'
import type { TargetState } from './target-state.ts'
import { WeightedRoundRobin } from './weighted-round-robin.ts'

/** How a pool chooses. */
export const POLICY_KINDS = ['round_robin', 'least_connections', 'consistent_hash', 'random_of_two'] as const
export type PolicyKind = (typeof POLICY_KINDS)[number]

export interface PolicyParts {
  readonly targets: readonly Target[]
  /** In the order of the targets. */
  readonly states: readonly TargetState[]
  readonly seat: Seat
  readonly random: Random
}

/** The policy of one pool in one thread. Round robin heeds weights when they differ. */
export function createPolicy(kind: PolicyKind, { targets, states, seat, random }: PolicyParts): Policy {
  switch (kind) {
    case 'round_robin': {
      const start = startOf(seat)
      const equal = targets.every((target) => target.weight === targets[0]?.weight)
      return equal ? new RoundRobin(targets.length, start) : new WeightedRoundRobin(targets, start)
    }
    case 'least_connections':
      return new LeastConnections(targets, states, startOf(seat))
    case 'consistent_hash':
      return new ConsistentHash(targets, new RandomOfTwo(targets, states, random))
    case 'random_of_two':
      return new RandomOfTwo(targets, states, random)
    default:
      return assertNever(kind)
  }
}

const GOLDEN_RATIO = 0.618_033_988_749_895

/** Multiples of the golden ratio: however many seats there are, their parts of the round lie far apart. */
function startOf(seat: Seat): number {
  return (seat.number * GOLDEN_RATIO) % 1
}
