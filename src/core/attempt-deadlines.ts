import type { Failure } from './balance/outcome.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Upstream } from './phases.ts'
import type { Timeouts } from './upstream/timeouts.ts'

/** How far an attempt is: `body` begins with the head of the answer. */
export type Stage = 'connect' | 'head' | 'body' | 'done'

/** What an attempt's deadlines depend on. */
export interface Progress {
  readonly stage: Stage
  readonly lastByteAt: number
  /** Nothing of a stream of events has come yet that says anything: its first byte is still awaited. */
  readonly silent: boolean
  /** Its body is collected before anything of it is passed on: an error's, or a whole answer's; null: it is not. */
  readonly held: Held | null
  /** When one of the gateway's own connections became free for it: Infinity while none has, 0 when it waited for none. */
  readonly queuedUntil: number
}

/** The end of all attempts of a request, of `performance.now()`. */
export function totalDueAt({ startedAt }: Exchange, { timeouts }: Upstream): number {
  return startedAt + timeouts.totalMs
}

/** A body of which the client sees nothing before it is complete. */
export interface Held {
  readonly what: 'answer' | 'error'
  /** When its head came. */
  readonly sinceMs: number
}

/** What is wrong is known by an error's status: its words are not waited for any longer. */
const ERROR_BODY_MS = 3_000

/** The nearest deadline that applies to an attempt now, of `performance.now()`. */
export function attemptDueAt(x: Exchange, { timeouts }: Upstream, progress: Progress): number {
  const { stage, silent } = progress
  const total = x.startedAt + timeouts.totalMs
  const firstByteMs = firstByteMsOf(x, timeouts)
  if (isQueued(progress)) return Math.min(total, x.dispatchedAt + pendingMsOf(x, timeouts))
  if (stage === 'body') {
    const idle = idleFrom(x, progress) + timeouts.idleMs
    const due = silent ? Math.min(idle, firstByteFrom(x, progress) + firstByteMs) : idle
    return Math.min(total, due, heldUntil(x, timeouts, progress))
  }
  const { upload } = x
  if (upload !== null && !upload.complete) {
    const clientMs = Math.min(timeouts.idleMs, x.gateway.limits.bodyIdleMs)
    // Before the request is on its way nobody knows yet for whom the body will wait: then it is looked at early.
    const isClients = upload.waitsFor === 'client' || stage === 'connect'
    return Math.min(total, firstByteFrom(x, progress) + (isClients ? clientMs : timeouts.idleMs))
  }
  return Math.min(total, firstByteFrom(x, progress) + firstByteMs)
}

/**
 * However steadily it trickles, a body that is held is of use to nobody before its end: it has as long as a first byte, or as a
 * server may be silent.
 */
export function heldUntil(x: Exchange, timeouts: Timeouts, progress: Progress): number {
  const { held } = progress
  if (held === null || x.client.headSent) return Number.POSITIVE_INFINITY
  if (held.what === 'error') return held.sinceMs + Math.min(timeouts.idleMs, ERROR_BODY_MS)
  return Math.max(held.sinceMs + timeouts.idleMs, firstByteFrom(x, progress) + firstByteMsOf(x, timeouts))
}

function isQueued({ stage, queuedUntil }: Progress): boolean {
  return stage === 'connect' && queuedUntil === Number.POSITIVE_INFINITY
}

function firstByteMsOf({ wantsStream }: Exchange, timeouts: Timeouts): number {
  return wantsStream ? timeouts.firstByteStreamMs : timeouts.firstByteMs
}

function pendingMsOf(x: Exchange, timeouts: Timeouts): number {
  return timeouts.pendingMs ?? firstByteMsOf(x, timeouts)
}

/**
 * A body that an earlier attempt has taken whole moves no more when it is handed over again. A server has its whole time
 * for an answer, however long the request waited for one of our own connections.
 */
function firstByteFrom({ upload, dispatchedAt }: Exchange, { queuedUntil }: Progress): number {
  return Math.max(dispatchedAt, queuedUntil, upload === null ? 0 : upload.movedAt)
}

/** A server may have sent its head and now be silent because it reads: nothing stands still while the upload moves. */
function idleFrom({ upload }: Exchange, { lastByteAt }: Progress): number {
  return upload === null || upload.complete ? lastByteAt : Math.max(lastByteAt, upload.movedAt)
}

/** Whether it is the client's body that the deadline passed on. */
export function waitsForClient(x: Exchange, { timeouts }: Upstream, progress: Progress, now: number): boolean {
  const { startedAt, upload } = x
  if (upload === null || upload.complete || isQueued(progress)) return false
  return upload.waitsFor === 'client' && now - startedAt < timeouts.totalMs
}

/** Which deadline of an attempt has passed, and the words for it. */
export function passedDeadline(
  x: Exchange,
  { name, timeouts }: Upstream,
  progress: Progress,
  now: number,
): { readonly failure: Failure; readonly error: GatewayError } {
  if (now - x.startedAt >= timeouts.totalMs) {
    const message = `The request took longer than its total deadline of ${inSeconds(timeouts.totalMs)}.`
    return { failure: 'total_timeout', error: new GatewayError('upstream_timeout', message) }
  }
  if (isQueued(progress)) {
    const waited = inSeconds(pendingMsOf(x, timeouts))
    const message = `No connection to ${name} became free within ${waited}; try again soon.`
    return { failure: 'saturated', error: new GatewayError('saturated', message, { retryAfterSeconds: 1 }) }
  }
  const isIdle = progress.stage === 'body' && now - idleFrom(x, progress) >= timeouts.idleMs
  if (progress.stage === 'body' && !isIdle && now >= heldUntil(x, timeouts, progress)) {
    const message = `${name} began an answer and did not complete it in time.`
    return { failure: 'idle_timeout', error: new GatewayError('upstream_timeout', message) }
  }
  if (isIdle || (progress.stage === 'body' && !progress.silent)) {
    const message = `${name} sent nothing for ${inSeconds(timeouts.idleMs)}.`
    return { failure: 'idle_timeout', error: new GatewayError('upstream_timeout', message) }
  }
  const message = `${name} did not begin to answer within ${inSeconds(firstByteMsOf(x, timeouts))}.`
  return { failure: 'first_byte_timeout', error: new GatewayError('upstream_timeout', message) }
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
