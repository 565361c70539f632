/**
 * The HTTP gateway that has never heard of what it carries: listener, matching, phases, upstream connections, relay,
 * deadlines, errors. It decides nothing about identity, cost or content: routes bring those as hooks.
 * Start reading at `phases.ts` (the list), then `handle.ts` (the walk) and `attempt.ts` (one dispatch).
 */
export { proceed } from './attempt.ts'
export type { BodySink, ClientStream } from './client-stream.ts'
export { ERROR_CODES, type ErrorCode, type FaultSource, GatewayError } from './errors.ts'
export type { EndState, Exchange, Principal } from './exchange.ts'
export { type EdgeLimits, Gateway } from './gateway.ts'
export { handle } from './handle.ts'
export type { RequestHead } from './http1/request-head.ts'
export { Listener, type ListenerOptions } from './listen/listener.ts'
export {
  type AnswerHeaders,
  type AnswerPlan,
  type AnswerTap,
  type Candidate,
  type DispatchController,
  type Hook,
  PHASES,
  type Phase,
  type RenderedError,
  type ReserveHook,
  type ResponseHandler,
  type Route,
  type SettleHook,
  type Transport,
  type Upstream,
  type UpstreamRequest,
} from './phases.ts'
export type { MethodTable, Plan } from './plan.ts'
export { answer } from './respond/answer.ts'
export { refuse } from './respond/refuse.ts'
export { ConnectionPool } from './upstream/connection-pool.ts'
export { headerLines } from './upstream/header-lines.ts'
export type { Timeouts } from './upstream/timeouts.ts'
