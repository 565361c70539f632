/**
 * Who calls, what they may, and how much of it: keys, tokens and services as principals (`auth/`), levels, scopes, policies
 * (`policy/`), limits, and budgets that are reserved before dispatch and settled after; on one machine, or over several
 * (`cluster/`). Units are abstract here; what a token is worth is the surface's business (`traffic.ts` is the port).
 * Start reading at `counter-desk.ts` (all that is counted passes there), then `admit.ts`, `reservation.ts` and `key-table.ts`.
 */

export { createRateCheck, createScopeCheck, levelCheck } from './admit.ts'
export { type AskOptions, ask, type Reply } from './auth/ask.ts'
export { AuthMemory } from './auth/auth-memory.ts'
export type { AuthParts, AuthServer } from './auth/auth-parts.ts'
export type { Membership, OutsideRules } from './auth/outside-principal.ts'
export { hashPassword } from './auth/password-hash.ts'
export type { PrincipalSource } from './auth/principal-source.ts'
export { createRouteAuth } from './auth/route-auth.ts'
export { ServicePrincipals } from './auth/service-principals.ts'
export { createTokenPrincipals } from './auth/token-principals.ts'
export * from './budget.ts'
export type { BudgetWarning } from './budget-warnings.ts'
export { chargedLevels, levelsBetween, unitOf } from './charged-counters.ts'
export type { SharedCounter } from './cluster/borrowed-counter.ts'
export {
  isLeasedTaken,
  LEASE_CELLS,
  type Lease,
  othersOfBudget,
  returnedBudget,
  returnedSeats,
} from './cluster/lease.ts'
export { type LeaseCall, LeaseDesk, type LeasePort, type LeaseReply } from './cluster/lease-desk.ts'
export { LeasedCounters } from './cluster/leased-counters.ts'
export type { KnownShares } from './cluster/lender.ts'
export type { ClusterState } from './cluster/session.ts'
export { clearSeat, concurrencyCells, occupied } from './concurrency.ts'
export { CONNECTION_COUNT_CELLS, ConnectionCounts, clearConnectionCounts } from './connection-counts.ts'
export type { CounterDesk, LimitLeft, LimitsLeft, Refusal, Taken, Takings, Used } from './counter-desk.ts'
export { type BudgetPlaces, countLater, giveBackHeld } from './held-budgets.ts'
export { createIdentify, principalOf } from './identify.ts'
export { identityProblems } from './identity-problems.ts'
export { Intents, type IntentsLeft, intentRegionCells, readIntents } from './intents.ts'
export type { KeyDocument } from './key-document.ts'
export { HashForms } from './key-hashes.ts'
export { KeyPrincipal, type ResourceNames } from './key-principal.ts'
export { type KeyChange, KeyTable } from './key-table.ts'
export * from './level-document.ts'
export { LevelTable } from './level-table.ts'
export { type LimitSnapshot, readLimits, writeLimits } from './limit-snapshot.ts'
export { LIMIT_TABLE_CELLS } from './limit-table.ts'
export { limitsLeft } from './limits-left.ts'
export { levelsOf, type MembershipProblem, membershipProblem, type Parents } from './memberships.ts'
export { NamelessRefusals } from './nameless-refusals.ts'
export { periodEnd, periodOf, periodStart } from './period.ts'
export type { PolicyPlace } from './policy/conditions.ts'
export { Policies } from './policy/policies.ts'
export { createPolicyGate } from './policy/policy-gate.ts'
export type { Lists, Rule } from './policy/rule.ts'
export { type BodyFacts, POLICY, Ruling } from './policy/ruling.ts'
export { queryKeys, withoutQueryKeys } from './query-key.ts'
export * as rateLimit from './rate-limit.ts'
export { Directory, sameToken } from './rbac/directory.ts'
export {
  type Accounts,
  createGiveWay,
  createJoin,
  createReserve,
  Reservation,
  type ValueSource,
} from './reservation.ts'
export { routeGateProblems } from './route-gate-problems.ts'
export { createRouteGates, type RouteGateParts } from './route-gates.ts'
export { createRouteLimits, type LimitSlot, type RouteLimitParts, routeLimitSlots } from './route-limits.ts'
export { createSettlement, type Sinks } from './settlement.ts'
export { SharedCounters } from './shared-counters.ts'
export { restoreTokens } from './token-rate.ts'
export { type Estimate, type SaidInBody, type Traffic, type TrafficPort, totalTokens } from './traffic.ts'
export { RuleTable } from './value-rules.ts'

/** Loads what the thread that borrows from shared counters needs, and nobody else. */
export async function loadLending() {
  const [{ Lender }, { ClusterSession, CLUSTER_TIMES }] = await Promise.all([
    import('./cluster/lender.ts'),
    import('./cluster/session.ts'),
  ])
  return { Lender, ClusterSession, CLUSTER_TIMES }
}
