/**
 * Who may do how much: keys and principals, scopes, rate limits, budgets that are reserved before dispatch and settled
 * after. Units are abstract here; what a token is worth is the surface's business (`traffic.ts` is the port).
 * Start reading at `reservation.ts`, then `budget.ts` and `key-table.ts`.
 */
export { createRateCheck, createScopeCheck } from './admit.ts'
export { type AskOptions, ask, type Reply } from './auth/ask.ts'
export { AuthMemory } from './auth/auth-memory.ts'
export type { AuthParts, AuthServer } from './auth/auth-parts.ts'
export { hashPassword } from './auth/password-hash.ts'
export { createRouteAuth } from './auth/route-auth.ts'
export * from './budget.ts'
export { CONNECTION_COUNT_CELLS, ConnectionCounts, clearConnectionCounts } from './connection-counts.ts'
export { createIdentify, principalOf } from './identify.ts'
export { Intents, type IntentsLeft, intentRegionCells, readIntents } from './intents.ts'
export { type BudgetDocument, budgetCounter, type KeyDocument, type RateDocument } from './key-document.ts'
export { type KeyChange, KeyPrincipal, KeyTable, type ResourceNames } from './key-table.ts'
export { type LimitSnapshot, readLimits, writeLimits } from './limit-snapshot.ts'
export { LIMIT_TABLE_CELLS } from './limit-table.ts'
export { NamelessRefusals } from './nameless-refusals.ts'
export { periodEnd, periodOf, periodStart } from './period.ts'
export { queryKeys, withoutQueryKeys } from './query-key.ts'
export * as rateLimit from './rate-limit.ts'
export { type Accounts, createGiveWay, createJoin, createReserve, Reservation } from './reservation.ts'
export { routeGateProblems } from './route-gate-problems.ts'
export { createRouteGates, type RouteGateParts } from './route-gates.ts'
export { createRouteLimits, type LimitSlot, type RouteLimitParts, routeLimitSlots } from './route-limits.ts'
export { createSettlement, type Sinks } from './settlement.ts'
export { type Estimate, type Traffic, type TrafficPort, totalTokens } from './traffic.ts'
