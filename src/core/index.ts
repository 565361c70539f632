/**
 * The HTTP gateway that has never heard of what it carries: listener, matching, phases, upstream connections, relay,
 * deadlines, errors. It decides nothing about identity, cost or content: routes bring those as hooks.
 * Start reading at `phases.ts` (the list), then `handle.ts` (the walk) and `attempt.ts` (one dispatch).
 */

export { type Attempting, type FailedDispatch, NO_MORE, TAKEN_OVER } from './attempting.ts'
export {
  Breaker,
  type BreakerRules,
  breakerOpenMs,
  breakerState,
  ORDINARY,
  type Permit,
  REFUSED,
} from './balance/breaker.ts'
export type { Outcome } from './balance/contract.ts'
export { clearDeadSeat } from './balance/dead-seat.ts'
export { hashText, mix } from './balance/hash-key.ts'
export { LoadSignals } from './balance/load-signals.ts'
export { placeOfName, placesForNames, tagOfName } from './balance/name-places.ts'
export { type Failure, outcomeOfFailure, statusSet } from './balance/outcome.ts'
export { MOST_PLACES } from './balance/owned-places.ts'
export { type PlaceQueue, type PlaceWaiter, placeQueueAt } from './balance/place-queue.ts'
export { RECENT_ANSWERS_CELLS, RecentAnswers } from './balance/recent-answers.ts'
export { type GuessedRest, type Rest, Rests } from './balance/rests.ts'
export { RetryBudget, type RetryBudgetRules } from './balance/retry-budget.ts'
export { viewCells } from './balance/shared-cells.ts'
export { SharedPlaces } from './balance/shared-places.ts'
export { LOAD_LEVELS, LoadShedder, sheddingRules } from './balance/shedding.ts'
export {
  breakerSlot,
  inPlaces,
  placesSlot,
  recentAnswersSlot,
  restsSlot,
  retryBudgetSlot,
  type SlotNeed,
  shadowsSlot,
  targetSlot,
  trialSlot,
} from './balance/slots.ts'
export { TargetState } from './balance/target-state.ts'
export { Trial, type TrialRules } from './balance/trial.ts'
export { beginAttempt, proceed } from './begin-attempt.ts'
export type { BodySink, ClientStream } from './client-stream.ts'
export { Connector } from './connect/connector.ts'
export type { Destination, EgressEvent, TlsSettings } from './connect/destination.ts'
export { compileEgressPolicy, type EgressPolicy, type EgressRule } from './connect/egress-policy.ts'
export type { EgressObserver } from './connect/egress-trace.ts'
export { FetchRefusal, fetchAddress } from './connect/fetch-address.ts'
export { parseAddress } from './connect/ip-address.ts'
export { dnsNames } from './connect/name-source.ts'
export { Resolver } from './connect/resolve.ts'
export type { Watched } from './deadlines.ts'
export { accountFor, beginDouble, dropDouble, makeDouble, takeOver } from './double.ts'
export { ERROR_CODES, type ErrorCode, type FaultSource, GatewayError } from './errors.ts'
export type { EndState, Exchange, HeaderOverlay, Identity, Principal, Upload } from './exchange.ts'
export { type EdgeLimits, Gateway, type RefusedConnection } from './gateway.ts'
export { handle, resume } from './handle.ts'
export type { RequestHead } from './http1/request-head.ts'
export { expectBody } from './listen/body.ts'
export { bodyIdle, bodyMemoryFull, bodyTooLarge } from './listen/body-errors.ts'
export { CertificateTable, checkAuthorities, type PemFile, readCertificate, readKey } from './listen/certificates.ts'
export type { ClientCertificate } from './listen/client-certificate.ts'
export { type AddressCap, Listener, type ListenerLimits, type ListenerOptions } from './listen/listener.ts'
export { type ListenerTls, TlsAcceptor } from './listen/tls.ts'
export { type CertificateRule, compileCertificateRule } from './match/certificate-match.ts'
export { loadRegexCompiler, type RegexCompiler } from './match/regex-engine.ts'
export { beginOwnRequest, type OwnRequest } from './own-request.ts'
export {
  type AnswerHeaders,
  type AnswerPlan,
  type AnswerTap,
  type BodySource,
  type BodyWriter,
  type Candidate,
  type DispatchController,
  type Gate,
  type GiveWayHook,
  type Heartbeat,
  type Hook,
  type JoinHook,
  PHASES,
  type Phase,
  type RenderedError,
  type ReserveHook,
  type ResponseHandler,
  type Route,
  type SettleHook,
  type Transport,
  type TunnelWatch,
  type Upstream,
  type UpstreamRequest,
  WAIT,
} from './phases.ts'
export type { MethodTable, Plan } from './plan.ts'
export { compileNetworks, isIn } from './proxy/client-address.ts'
export { isHopByHop } from './proxy/hop-by-hop.ts'
export { RefreshedTargets, type RefreshNews } from './proxy/refreshed-targets.ts'
export { RelayedBody } from './proxy/relayed-body.ts'
export { closeTarget, type PoolTarget, type SharedState, UpstreamPool } from './proxy/upstream-pool.ts'

export { answer, answerWith } from './respond/answer.ts'
export { fault } from './respond/fault.ts'
export { refuse } from './respond/refuse.ts'
export { compileRoutes } from './routes/compile-routes.ts'
export { EMPTY_PLAN } from './routes/empty-plan.ts'
export { renderRouteError } from './routes/error-pages.ts'
export { poolStatus, type TargetStatus } from './routes/pool-status.ts'
export type { RouteParts } from './routes/route-parts.ts'
export { routeProblems } from './routes/route-problems.ts'
export { isRefreshed, routeSlotNeeds, targetIds } from './routes/slots.ts'
export { ConnectionPool } from './upstream/connection-pool.ts'
export { headerLines } from './upstream/header-lines.ts'
export { Http2Pool } from './upstream/http2-pool.ts'
export type { Timeouts } from './upstream/timeouts.ts'
