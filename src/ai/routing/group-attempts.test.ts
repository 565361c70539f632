import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Candidate, type Exchange, GatewayError, NO_MORE } from '../../core/index.ts'
import type { ModelRegistry } from '../models/registry.ts'
import { GroupAttempts } from './group-attempts.ts'
import { fallback } from './strategies/fallback.ts'
import { contextOf, modelGroup, routingTarget } from './testing/groups.ts'

test('how long a request waits is said by the model that the client asks for, not by a group within it', () => {
  const registry = { memories: null, metrics: null } as unknown as ModelRegistry // attempts look at nothing else
  const candidate = { upstream: { timeouts: { totalMs: 600_000 } } } as unknown as Candidate // the same
  const attempts = new GroupAttempts(registry, (facts) => ({
    ...facts,
    candidate,
    contextTokens: null,
    prepare: () => null,
  }))
  const waitWith = (outer: number, inner: number): number => {
    const within = { name: 'inner', strategy: fallback, members: [{ of: routingTarget('a/1') }] }
    const group = modelGroup({
      name: 'outer',
      strategy: fallback,
      backoff: { baseMs: 1, maxMs: outer },
      members: [{ of: { ...within, backoff: { baseMs: 1, maxMs: inner } } }],
    })
    const made = attempts.make(group, group.orders.make(contextOf(), null))
    const client = { headSent: false }
    const x = { client, startedAt: performance.now(), dispatchedAt: 0 } as unknown as Exchange // only what attempts look at
    made.next(x)
    made.onHead(x, 429, {})
    const error = new GatewayError('upstream_rate_limited', 'no', { reason: 'throttled', retryAfterSeconds: 0.5 })
    return made.onRejected(x, error)
  }
  assert.equal(waitWith(1, 30_000), NO_MORE)
  assert.ok(waitWith(30_000, 1) >= 500)
})
