import type { Failure } from './balance/outcome.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Upstream } from './phases.ts'

/** How far an attempt is: `body` begins with the head of the answer. */
export type Stage = 'connect' | 'head' | 'body' | 'done'

/** What an attempt's deadlines depend on. */
export interface Progress {
  readonly stage: Stage
  readonly lastByteAt: number
  /** Nothing of a stream of events has come yet that says anything: its first byte is still awaited. */
  readonly silent: boolean
}

/** The nearest deadline that applies to an attempt now, of `performance.now()`. */
export function attemptDueAt(x: Exchange, { timeouts }: Upstream, progress: Progress): number {
  const { stage, lastByteAt, silent } = progress
  const total = x.startedAt + timeouts.totalMs
  const firstByteMs = x.wantsStream ? timeouts.firstByteStreamMs : timeouts.firstByteMs
  if (stage === 'body') {
    const idle = lastByteAt + timeouts.idleMs
    return Math.min(total, silent ? Math.min(idle, firstByteFrom(x) + firstByteMs) : idle)
  }
  const { upload } = x
  if (upload !== null && !upload.complete) {
    const clientMs = Math.min(timeouts.idleMs, x.gateway.limits.bodyIdleMs)
    // Before the request is on its way nobody knows yet for whom the body will wait: then it is looked at early.
    const isClients = upload.waitsFor === 'client' || stage === 'connect'
    return Math.min(total, firstByteFrom(x) + (isClients ? clientMs : timeouts.idleMs))
  }
  return Math.min(total, firstByteFrom(x) + firstByteMs)
}

/** A body that an earlier attempt has taken whole moves no more when it is handed over again. */
function firstByteFrom({ upload, dispatchedAt }: Exchange): number {
  return upload === null ? dispatchedAt : Math.max(dispatchedAt, upload.movedAt)
}

/** Whether it is the client's body that the deadline passed on. */
export function waitsForClient(x: Exchange, { timeouts }: Upstream, stage: Stage, now: number): boolean {
  const { startedAt, upload } = x
  if (upload === null || upload.complete || stage === 'body') return false
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
  const isIdle = progress.stage === 'body' && now - progress.lastByteAt >= timeouts.idleMs
  if (isIdle || (progress.stage === 'body' && !progress.silent)) {
    const message = `${name} sent nothing for ${inSeconds(timeouts.idleMs)}.`
    return { failure: 'idle_timeout', error: new GatewayError('upstream_timeout', message) }
  }
  const waited = x.wantsStream ? timeouts.firstByteStreamMs : timeouts.firstByteMs
  const message = `${name} did not begin to answer within ${inSeconds(waited)}.`
  return { failure: 'first_byte_timeout', error: new GatewayError('upstream_timeout', message) }
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
