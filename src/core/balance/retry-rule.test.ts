import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideRetry, type FailedAttempt, type RetryLimits } from './retry-rule.ts'

const LIMITS: RetryLimits = {
  attemptsPerTarget: 2,
  attempts: 4,
  statuses: new Set([429, 500, 502, 503, 504]),
  unsafe: 'with_idempotency_key',
}

const GET: FailedAttempt = {
  method: 'GET',
  idempotencyKey: false,
  replayable: true,
  cause: 'closed',
  processed: 'unknown',
  answerBegan: false,
  attemptsOnTarget: 1,
  attempts: 1,
  othersLeft: true,
  leftMs: 10_000,
}

/** In short: where and whether at once, or why not. */
function decide(attempt: Partial<FailedAttempt>, limits: Partial<RetryLimits> = {}): string {
  const decision = decideRetry({ ...GET, ...attempt }, { ...LIMITS, ...limits })
  return decision.action === 'stop' ? decision.reason : `${decision.where}, ${decision.wait}`
}

const POST = { method: 'POST' } as const
const SECOND = { attemptsOnTarget: 2, attempts: 2 } as const
const ALONE = { othersLeft: false } as const

for (const [about, attempt, expected] of [
  ['no connection: the next target, at once', { cause: 'unreachable' }, 'next, at_once'],
  ['no connection to the only target: again after a wait', { cause: 'unreachable', ...ALONE }, 'same, backoff'],
  ['no connection twice to the only target', { cause: 'unreachable', ...ALONE, ...SECOND }, 'attempts_used'],
  ['a certificate that cannot be trusted, with another target', { cause: 'untrusted' }, 'next, at_once'],
  ['a certificate that cannot be trusted, without', { cause: 'untrusted', ...ALONE }, 'no_other_target'],
  ['our own limit on one target', { cause: 'saturated' }, 'next, at_once'],
  ['our own limit on the only target', { cause: 'saturated', ...ALONE }, 'no_other_target'],
  ['a kept connection was gone: the same target on a new one', { cause: 'stale_connection' }, 'same, at_once'],
  ['gone twice', { cause: 'stale_connection', ...SECOND }, 'next, at_once'],
  ['a new connection was closed', { cause: 'closed' }, 'same, backoff'],
  ['closed twice', { cause: 'closed', ...SECOND }, 'next, at_once'],
  ['closed twice by the only target', { cause: 'closed', ...SECOND, ...ALONE }, 'attempts_used'],
  ['no HTTP', { cause: 'invalid_answer' }, 'next, at_once'],
  ['never answered: another target may', { cause: 'first_byte_timeout' }, 'next, at_once'],
  ['never answered: the same is not asked again', { cause: 'first_byte_timeout', ...ALONE }, 'no_other_target'],
  ['silence in an answer that no client saw', { cause: 'idle_timeout' }, 'next, at_once'],
  ['broken off before a client saw it', { cause: 'truncated' }, 'next, at_once'],
  ['the total deadline', { cause: 'total_timeout' }, 'not_retryable'],
  ['the client left', { cause: 'cancelled' }, 'not_retryable'],
  ['a busy target', { cause: 429 }, 'next, at_once'],
  ['a busy only target', { cause: 429, ...ALONE }, 'same, backoff'],
  ['500: once more', { cause: 500 }, 'same, backoff'],
  ['500 twice', { cause: 500, ...SECOND }, 'next, at_once'],
  ['500 twice from the only target', { cause: 500, ...SECOND, ...ALONE }, 'attempts_used'],
  ['503', { cause: 503 }, 'next, at_once'],
  ['503 from the only target', { cause: 503, ...ALONE }, 'same, backoff'],
  ['501 is final', { cause: 501 }, 'not_retryable'],
  ['404 is final', { cause: 404 }, 'not_retryable'],
  ['421: the same request on another connection', { cause: 421 }, 'same, backoff'],
  // Once the client has seen a byte, nothing is repeated.
  ['broken off after a byte reached the client', { cause: 'truncated', answerBegan: true }, 'answer_began'],
  // RFC 9110, 9.2.2
  ['a POST that may have been acted on', { ...POST }, 'not_idempotent'],
  ['a PATCH that may have been acted on', { method: 'PATCH' }, 'not_idempotent'],
  ['an unknown method', { method: 'BREW' }, 'not_idempotent'],
  ['methods are case-sensitive', { method: 'get' }, 'not_idempotent'],
  ['a PUT', { method: 'PUT' }, 'same, backoff'],
  ['a DELETE', { method: 'DELETE' }, 'same, backoff'],
  ['a POST to a kept connection that was gone', { ...POST, cause: 'stale_connection' }, 'not_idempotent'],
  ['the same, of which no byte was sent', { ...POST, cause: 'stale_connection', processed: 'no' }, 'same, at_once'],
  ['a POST without a connection', { ...POST, cause: 'unreachable' }, 'next, at_once'],
  ['a POST that was answered with 503', { ...POST, cause: 503 }, 'not_idempotent'],
  ['a POST that was misdirected', { ...POST, cause: 421 }, 'same, backoff'],
  ['a POST that never got an answer', { ...POST, cause: 'first_byte_timeout' }, 'not_idempotent'],
  ['a POST with a key', { ...POST, idempotencyKey: true }, 'same, backoff'],
  ['a POST with a key, 503', { ...POST, idempotencyKey: true, cause: 503 }, 'next, at_once'],
  // What bounds them
  ['a body that is gone', { replayable: false }, 'body_gone'],
  ['a body that is gone, of which nothing was sent', { replayable: false, cause: 'unreachable' }, 'body_gone'],
  ['the last attempt', { attempts: 4 }, 'attempts_used'],
  ['no time left', { leftMs: 0 }, 'deadline'],
] as const satisfies readonly (readonly [string, Partial<FailedAttempt>, string])[]) {
  test(`${about}: ${expected}`, () => {
    assert.equal(decide(attempt), expected)
  })
}

test('a key counts only where the route says so, and a route may declare its requests repeatable', () => {
  assert.equal(decide({ ...POST, idempotencyKey: true }, { unsafe: 'never' }), 'not_idempotent')
  assert.equal(decide({ ...POST, cause: 'unreachable' }, { unsafe: 'never' }), 'next, at_once')
  assert.equal(decide(POST, { unsafe: 'always' }), 'same, backoff')
  assert.equal(decide({ ...POST, answerBegan: true }, { unsafe: 'always' }), 'answer_began')
})

test('a status is final where the route does not list it', () => {
  assert.equal(decide({ cause: 500 }, { statuses: new Set([503]) }), 'not_retryable')
})

test('one attempt per target and one in all mean what they say', () => {
  assert.equal(decide({ cause: 'closed' }, { attemptsPerTarget: 1 }), 'next, at_once')
  assert.equal(decide({ cause: 'closed', ...ALONE }, { attemptsPerTarget: 1 }), 'attempts_used')
  assert.equal(decide({ cause: 'closed' }, { attempts: 1 }), 'attempts_used')
})
