import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Candidate,
  type Exchange,
  type Failure,
  GatewayError,
  NO_MORE,
  RetryBudget,
  type SharedState,
  viewCells,
  WAIT,
} from '../../core/index.ts'
import { createCounters } from '../../lib/index.ts'
import { historyText } from './attempt-history.ts'
import type { AttemptRules, AttemptTarget } from './attempt-target.ts'
import { ModelAttempts } from './attempts.ts'
import type { CanaryDraw } from './canary/canary.ts'
import { TargetMemory } from './state/target-memory.ts'

const BREAKER = {
  consecutiveFailures: 3,
  failures: null,
  failureShare: null,
  windowMs: 10_000,
  openMs: 15_000,
  jitterShare: 0,
  probes: 1,
  probeSuccesses: 1,
  probeLeaseMs: 30_000,
}

/** Slots one behind the other, by name. */
function sharedState(): SharedState {
  const cells = viewCells(createCounters(16_384))
  const slots = new Map<string, number>()
  let free = 1
  const indexOf = ({ name, cells: needed }: { name: string; cells: number }) => {
    const held = slots.get(name)
    if (held !== undefined) return held
    slots.set(name, free)
    free += needed
    return free - needed
  }
  return { cells, seat: { number: 0, of: 2 }, indexOf }
}

interface TargetParts {
  readonly credential?: string
  readonly contextTokens?: number
  readonly attempts?: number
  readonly refuses?: GatewayError
}

/** A clock, targets by name with memory of their own, and requests that go to them in order. */
class Stage {
  nowMs = 1_000_000
  readonly shared = sharedState()
  readonly memories = new Map<string, TargetMemory>()
  readonly targets: AttemptTarget[]
  readonly #rules: Partial<AttemptRules>

  constructor(targets: Readonly<Record<string, TargetParts>>, rules: Partial<AttemptRules> = {}) {
    this.#rules = rules
    this.targets = Object.entries(targets).map(([name, parts]) => this.#target(name, parts))
  }

  #target(name: string, { credential = name, contextTokens, attempts = 2, refuses }: TargetParts): AttemptTarget {
    const memory = new TargetMemory({
      id: name,
      credentialId: `of ${credential}`,
      shared: this.shared,
      breaker: BREAKER,
      random: () => 0,
    })
    this.memories.set(name, memory)
    // Only what attempts look at.
    const candidate = { name, upstream: { timeouts: { totalMs: 600_000 } } } as unknown as Candidate
    const prepare = () => refuses ?? null
    return { name, candidate, memory, attempts, contextTokens: contextTokens ?? null, prepare }
  }

  request(more: Partial<AttemptRules> = {}, canary: CanaryDraw | null = null) {
    const now = performance.now()
    const client = { headSent: false }
    const x = { client, startedAt: now, dispatchedAt: now } as unknown as Exchange // only what attempts look at
    const rules: AttemptRules = {
      attempts: 4,
      withinMs: 60_000,
      longestWaitMs: 30_000,
      backoff: { baseMs: 200, maxMs: 4_000 },
      onRefusal: 'stop',
      budget: null,
      now: () => this.nowMs,
      random: () => 0.5,
      ...this.#rules,
      ...more,
    }
    const attempts = new ModelAttempts(this.targets, rules, { variants: [], canary, mirror: null })
    const next = () => {
      const found = attempts.next(x)
      return found === WAIT ? 'wait' : found instanceof GatewayError ? found.code : found.name
    }
    const reject = (reason: string, retryAfterSeconds?: number) => {
      const options = retryAfterSeconds === undefined ? { reason } : { reason, retryAfterSeconds }
      attempts.onHead(x, 400, {})
      return attempts.onRejected(x, new GatewayError('upstream_rejected', reason, options))
    }
    const fail = (failure: Failure) => {
      const error = new GatewayError('upstream_unreachable', failure)
      return attempts.onFailure(x, { failure, error, processed: 'no' })
    }
    return { x, client, attempts, next, reject, fail }
  }
}

test('a fault of the caller goes nowhere else, and its words are the answer', () => {
  const { next, reject, attempts, x } = new Stage({ a: {}, b: {} }).request()
  assert.equal(next(), 'a')
  assert.equal(reject('caller'), NO_MORE)
  assert.equal(attempts.verdict(x, new GatewayError('internal_error', 'other')).message, 'caller')
})

test('an error that may pass is asked for once more at the same target after a while, then at the next', () => {
  const { next, reject } = new Stage({ a: {}, b: {} }).request()
  assert.equal(next(), 'a')
  assert.equal(reject('transient'), 100)
  assert.equal(next(), 'a')
  assert.equal(reject('transient'), 0)
  assert.equal(next(), 'b')
})

test('a throttled target is left at once when there is another, and its credential rests as long as it asked', () => {
  const stage = new Stage({ a: {}, b: {} })
  const { next, reject } = stage.request()
  assert.equal(next(), 'a')
  assert.equal(reject('throttled', 5), 0)
  assert.equal(next(), 'b')
  assert.equal(stage.memories.get('a')?.waitMs(stage.nowMs), 5_000)
  assert.equal(stage.request().next(), 'b')
  stage.nowMs += 5_000
  assert.equal(stage.request().next(), 'a')
})

test('a throttled target without a sibling is waited for as long as it asked, and no longer than is allowed', () => {
  const stage = new Stage({ a: {} })
  const { next, reject } = stage.request()
  assert.equal(next(), 'a')
  const waitMs = reject('throttled', 2)
  assert.ok(waitMs >= 2_000 && waitMs <= 2_200, `${waitMs}`)
  stage.nowMs += waitMs
  assert.equal(next(), 'a')
  const other = new Stage({ a: {} }).request()
  other.next()
  assert.equal(other.reject('throttled', 31), NO_MORE)
})

test('a credential that is refused rests for all of its models, and is asked again when that is over', () => {
  const stage = new Stage({ a: { credential: 'one' }, b: { credential: 'one' }, c: { credential: 'two' } })
  const first = stage.request()
  first.next()
  assert.equal(first.reject('credential'), 0)
  assert.equal(first.next(), 'c')
  assert.equal(stage.request().next(), 'c')
  stage.nowMs += 60_000
  assert.equal(stage.request().next(), 'a')
})

test('credentials that are thought to be of no use are better than nothing', () => {
  const stage = new Stage({ a: {} })
  const first = stage.request()
  first.next()
  assert.equal(first.reject('credential'), NO_MORE)
  assert.equal(stage.request().next(), 'a')
})

test('a dead target is not asked twice, and counts for its breaker', () => {
  const stage = new Stage({ a: {}, b: {} })
  for (let n = 0; n < 3; n++) {
    const { next, fail } = stage.request()
    assert.equal(next(), 'a')
    assert.equal(fail('unreachable'), 0)
    assert.equal(next(), 'b')
  }
  assert.equal(stage.request().next(), 'b')
  stage.nowMs += 15_001
  assert.equal(stage.request().next(), 'a')
  assert.equal(stage.request().next(), 'b')
})

test('what was too long for one target goes to all but those that are known to take no more', () => {
  const stage = new Stage({
    a: { contextTokens: 8_000 },
    b: { contextTokens: 8_000 },
    c: {},
    d: { contextTokens: 128_000 },
  })
  const { next, reject } = stage.request()
  assert.equal(next(), 'a')
  assert.equal(reject('context_length'), 0)
  assert.equal(next(), 'c', 'what nobody knows never speaks against a target')
  assert.equal(reject('context_length'), 0)
  assert.equal(next(), 'd')
  const unknown = new Stage({ a: {}, b: { contextTokens: 8_000 } }).request()
  unknown.next()
  assert.equal(unknown.reject('context_length'), 0)
  assert.equal(unknown.next(), 'b')
  const alone = new Stage({ a: { contextTokens: 8_000 }, b: { contextTokens: 4_000 } }).request()
  alone.next()
  assert.equal(alone.reject('context_length'), NO_MORE)
})

test('what a vendor does not want to talk about stays so, unless the group says otherwise', () => {
  const stays = new Stage({ a: {}, b: {} }).request()
  stays.next()
  assert.equal(stays.reject('content_refused'), NO_MORE)
  const goesOn = new Stage({ a: {}, b: {} }, { onRefusal: 'next' }).request()
  goesOn.next()
  assert.equal(goesOn.reject('content_refused'), 0)
  assert.equal(goesOn.next(), 'b')
})

test('a target that cannot carry the request is passed over without an attempt', () => {
  const stage = new Stage({ a: { refuses: new GatewayError('conversion_lossy', 'no audio here') }, b: {} })
  const { next, attempts } = stage.request()
  assert.equal(next(), 'b')
  assert.match(historyText(attempts.history), /^a=ours/)
  const only = new Stage({ a: { refuses: new GatewayError('conversion_lossy', 'no audio here') } }).request()
  assert.equal(only.next(), 'conversion_lossy')
})

test('targets that cannot carry the request use up no attempts', () => {
  const refuses = new GatewayError('conversion_lossy', 'no audio here')
  const parts = { a: { refuses }, b: { refuses }, c: { refuses }, d: { attempts: 1 }, e: {} }
  const { next, reject, attempts } = new Stage(parts, { attempts: 2 }).request()
  assert.equal(next(), 'd')
  assert.equal(reject('transient'), 0)
  assert.equal(next(), 'e')
  assert.equal(attempts.made, 2)
})

test('a fallback that the caller may not pay for is passed over, and the error before it stays the answer', () => {
  const refusal = new GatewayError('budget_exceeded', 'too dear')
  const stage = new Stage({ a: { attempts: 1 }, b: {}, c: { attempts: 1 } }, { attempts: 2 })
  const { next, reject, attempts, x } = stage.request()
  assert.equal(next(), 'a')
  assert.equal(attempts.onRefused(x, refusal), refusal, 'the first is what the client asked for')
  assert.equal(reject('transient'), 0)
  assert.equal(next(), 'b')
  assert.equal(attempts.onRefused(x, refusal), null)
  assert.equal(stage.memories.get('b')?.inFlight, 0)
  assert.equal(next(), 'c')
  assert.equal(attempts.onRefused(x, refusal)?.message, 'transient')
  assert.match(historyText(attempts.history), /^a=transient\(.*b=ours\(.*c=ours\(/)
  const broken = new GatewayError('journal_unavailable', 'no journal')
  const other = stage.request()
  other.next()
  other.reject('transient')
  other.next()
  assert.equal(other.attempts.onRefused(other.x, broken), broken, 'no target would do')
})

test('a canary that the caller may not pay for leaves the request to the targets of the model', () => {
  const stage = new Stage({ canary: {}, a: {} })
  const judged: unknown[] = []
  const [target = null] = stage.targets
  const canary = { target, othersVariant: 'stable', judge: (failure: unknown) => judged.push(failure) }
  const { next, attempts, x } = stage.request({}, canary as unknown as CanaryDraw) // only what attempts look at
  const refusal = new GatewayError('budget_exceeded', 'too dear')
  assert.equal(next(), 'canary')
  assert.equal(attempts.onRefused(x, refusal), null)
  assert.equal(next(), 'a')
  assert.deepEqual(judged, ['ours'])
  assert.equal(attempts.onRefused(x, refusal), refusal)
})

test('a failover to a target that is well costs nothing of the budget; to one that fails as well it does', () => {
  const stage = new Stage({ a: { attempts: 1, contextTokens: 8_000 }, b: { attempts: 1 } })
  const budget = new RetryBudget(stage.shared.cells, 12_000, { share: 0, minimumPerSecond: 0, capacity: 100 })
  for (let n = 0; n < 50; n++) {
    const { next, reject } = stage.request({ budget })
    assert.equal(next(), 'a')
    assert.equal(reject('context_length'), 0)
    assert.equal(next(), 'b')
  }
  const b = stage.memories.get('b')
  for (let n = 0; n < 3; n++) b?.recent.judge(true, stage.nowMs)
  const failing = stage.request({ budget })
  failing.next()
  assert.equal(failing.reject('context_length'), NO_MORE)
  stage.nowMs += 60_000
  b?.rest('target', { nowMs: stage.nowMs, untilMs: stage.nowMs + 1_000, why: 'supposed', failure: 'throttled' })
  const resting = stage.request({ budget })
  resting.next()
  assert.equal(resting.reject('context_length'), NO_MORE)
})

test('a target that is well is asked after an outage of another whatever the budget has, which later retries pay', () => {
  const stage = new Stage({ a: { attempts: 1 }, b: { attempts: 1 }, c: { attempts: 2 } })
  const budget = new RetryBudget(stage.shared.cells, 12_000, { share: 1, minimumPerSecond: 0, capacity: 100 })
  const burst = Array.from({ length: 30 }, () => stage.request({ budget }))
  for (const { next } of burst) assert.equal(next(), 'a')
  for (const { fail } of burst) assert.equal(fail('unreachable'), 0, 'b has not failed yet')
  for (const { next } of burst) assert.equal(next(), 'b')
  assert.equal(budget.left, 0, 'thirty requests have paid for thirty failovers')
  const found = burst.map(({ fail }) => fail('unreachable'))
  assert.deepEqual(new Set(found), new Set([0]), 'c has not failed yet')
  for (const { next } of burst) assert.equal(next(), 'c')
  assert.deepEqual(new Set(burst.map(({ reject }) => reject('transient'))), new Set([NO_MORE]), 'nothing is left')
})

test('streams are timed at their first words and whole answers when they are there, each by itself', () => {
  const stage = new Stage({ a: {} })
  const stream = stage.request()
  Object.assign(stream.x, { wantsStream: true, dispatchedAt: performance.now() - 500 })
  stream.next()
  stream.attempts.onHead(stream.x, 200, {})
  const memory = stage.memories.get('a')
  assert.equal(memory?.answers('stream').timed, 0, 'a head says nothing')
  stream.attempts.onFirst(stream.x)
  assert.deepEqual([memory?.answers('stream').timed, memory?.answers('whole').timed], [1, 0])
  assert.ok((memory?.answers('stream').medianMs ?? 0) >= 500)
  const whole = stage.request()
  whole.next()
  whole.attempts.onHead(whole.x, 200, {})
  whole.attempts.onFirst(whole.x)
  assert.ok((memory?.answers('whole').medianMs ?? 0) < 500)
  assert.equal(memory?.answers('stream').timed, 1)
})

test('when all targets were throttled the client is told so, and when one has failed it is not', () => {
  const stage = new Stage({ a: {}, b: {} })
  const rest = (name: string, failure: 'throttled' | 'transient') => {
    const { nowMs } = stage
    stage.memories.get(name)?.rest('target', { why: 'asked', nowMs, untilMs: nowMs + 5_000, failure })
  }
  rest('a', 'throttled')
  rest('b', 'throttled')
  assert.equal(stage.request().next(), 'upstream_rate_limited')
  stage.nowMs += 5_000
  rest('a', 'throttled')
  rest('b', 'transient')
  assert.equal(stage.request().next(), 'upstream_unavailable')
})

test('no target is asked more often than it allows, and no request makes more attempts than its group allows', () => {
  const { next, reject } = new Stage({ a: { attempts: 9 }, b: {}, c: {} }, { attempts: 3 }).request()
  const asked: string[] = []
  for (let wait = 0; wait !== NO_MORE; wait = reject('transient')) asked.push(next())
  assert.deepEqual(asked, ['a', 'a', 'a'])
  const spread = new Stage({ a: { attempts: 1 }, b: { attempts: 1 }, c: { attempts: 1 } }).request()
  const order: string[] = []
  for (let wait = 0; wait !== NO_MORE; wait = spread.reject('transient')) order.push(spread.next())
  assert.deepEqual(order, ['a', 'b', 'c'])
})

test('nothing is asked again when the time for it has passed, and whoever was not asked is asked all the same', () => {
  const stage = new Stage({ a: {}, b: {} }, { withinMs: 1_000 })
  const { next, reject, fail } = stage.request()
  next()
  stage.nowMs += 1_001
  assert.equal(reject('transient'), 0)
  assert.equal(next(), 'b')
  assert.equal(reject('transient'), NO_MORE)
  const silent = stage.request()
  silent.next()
  stage.nowMs += 300_000
  assert.equal(silent.fail('first_byte_timeout'), 0)
  assert.equal(silent.next(), 'b')
  assert.equal(fail('first_byte_timeout'), NO_MORE)
})

test('a wait that is exactly as long as is allowed is waited for, whatever is added at random', () => {
  const { next, reject } = new Stage({ a: {} }, { longestWaitMs: 5_000 }).request()
  next()
  assert.equal(reject('throttled', 5), 5_100)
})

test('a server that fails and says for how long is left alone by all until then', () => {
  const stage = new Stage({ a: {}, b: {} })
  const first = stage.request()
  first.next()
  assert.equal(first.reject('transient', 30), 0)
  assert.equal(stage.memories.get('a')?.waitMs(stage.nowMs), 30_000)
  assert.equal(stage.request().next(), 'b')
  stage.nowMs += 30_000
  assert.equal(stage.request().next(), 'a')
  const silent = stage.request()
  silent.next()
  silent.reject('transient')
  assert.equal(stage.memories.get('a')?.waitMs(stage.nowMs), 0)
})

test('what a later target finds wrong does not hide that an earlier one may serve the request soon', () => {
  for (const reason of ['caller', 'context_length', 'content_refused', 'withdrawn']) {
    const { next, reject, attempts, x } = new Stage({ a: { attempts: 1 }, b: {} }).request()
    next()
    assert.equal(reject('transient'), 0)
    next()
    reject(reason)
    assert.equal(attempts.verdict(x, new GatewayError('internal_error', 'other')).message, 'transient')
  }
  const alone = new Stage({ a: {} }).request()
  alone.next()
  alone.reject('transient')
  alone.next()
  alone.reject('caller')
  assert.equal(alone.attempts.verdict(alone.x, new GatewayError('internal_error', 'other')).message, 'caller')
})

test('a client that was throttled is told when to come back, even where nobody said it', () => {
  const { next, reject, attempts, x } = new Stage({ a: { attempts: 1 } }).request()
  next()
  reject('throttled')
  assert.equal(attempts.verdict(x, new GatewayError('internal_error', 'other')).retryAfterSeconds, 1)
})

test('nothing is asked again once the client has seen a part of the answer', () => {
  const { next, reject, client } = new Stage({ a: {}, b: {} }).request()
  next()
  client.headSent = true
  assert.equal(reject('transient'), NO_MORE)
})

test('when everything fails, a fifth more requests go out at most', () => {
  const stage = new Stage({ a: {}, b: {}, c: {} })
  const budget = new RetryBudget(stage.shared.cells, 12_000, { share: 0.2, minimumPerSecond: 0, capacity: 100 })
  let sent = 0
  for (let n = 0; n < 1_000; n++) {
    const rules = { budget, now: () => stage.nowMs, random: () => 0.5 }
    const attempts = new ModelAttempts(
      stage.targets.map((target) => ({ ...target, memory: null })),
      {
        attempts: 4,
        withinMs: 60_000,
        longestWaitMs: 30_000,
        backoff: { baseMs: 1, maxMs: 1 },
        onRefusal: 'stop',
        ...rules,
      },
    )
    const x = { client: { headSent: false }, startedAt: performance.now(), dispatchedAt: 0 } as unknown as Exchange // only what attempts look at
    for (let wait = 0; wait !== NO_MORE; ) {
      assert.ok(!(attempts.next(x) instanceof GatewayError))
      sent++
      wait = attempts.onRejected(x, new GatewayError('upstream_error', 'no', { reason: 'transient' }))
    }
  }
  assert.ok(sent > 1_100 && sent <= 1_200, `${sent} requests for 1000`)
})

test('when everything is slow and fails, hedges and failovers together are a fifth of the requests at most', () => {
  let seed = 7
  const random = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return seed / 0x7fff_ffff
  }
  for (let round = 0; round < 20; round++) {
    const stage = new Stage({ a: {}, b: {}, c: {} })
    for (const target of stage.targets) Object.assign(target, { memory: null })
    const share = Math.round(random() * 5) / 10
    const rules = { share, minimumPerSecond: 0, capacity: 100 }
    const budget = new RetryBudget(stage.shared.cells, 12_000 + round * 2, rules)
    let more = 0
    for (let n = 0; n < 400; n++) {
      const { attempts, next, reject } = stage.request({ budget })
      next()
      for (let wait = 0; wait !== NO_MORE; ) {
        // Each attempt may be slow, and may fail.
        if (random() < 0.5 && attempts.askOther() !== null) more++
        wait = random() < 0.9 ? reject('transient') : NO_MORE
        if (wait === NO_MORE) break
        next()
        more++
      }
    }
    assert.ok(more <= 400 * share, `${more} more requests for 400, of which ${400 * share} are allowed`)
    if (share > 0) assert.ok(more >= 400 * share - 1, 'what is allowed is used')
  }
})

test('a second attempt at once goes to another target that may be asked, within the limits of the first', () => {
  const stage = new Stage({ a: {}, b: {}, c: {} })
  stage.memories.get('b')?.rest('target', {
    why: 'supposed',
    nowMs: stage.nowMs,
    untilMs: stage.nowMs + 1_000,
    failure: 'quota',
  })
  const first = stage.request()
  first.next()
  const asked = first.attempts.askOther()
  assert.equal(asked?.target.name, 'c')
  assert.equal(stage.memories.get('c')?.inFlight, 1)
  assert.equal(first.attempts.askOther(), null, 'b rests, and a and c are asked')
  if (asked !== null) first.attempts.takeBack(asked)
  assert.equal(stage.memories.get('c')?.inFlight, 0)
  assert.equal(first.attempts.askOther()?.target.name, 'c')
  const limited = stage.request({ attempts: 1 })
  limited.next()
  assert.equal(limited.attempts.askOther(), null)
  const late = stage.request({ withinMs: 500 })
  late.next()
  stage.nowMs += 501
  assert.equal(late.attempts.askOther()?.target.name, 'c', 'who was not asked is asked however late it is')
})

test('a target that hangs is found out though every attempt at it is overtaken', () => {
  const stage = new Stage({ a: {}, b: {} })
  const overtake = () => {
    const { next, attempts, x } = stage.request()
    assert.equal(next(), 'a')
    attempts.beOvertaken(x, 800)
  }
  for (let n = 0; n < 9; n++) overtake()
  const heard = stage.request()
  heard.next()
  heard.attempts.onHead(heard.x, 200, {})
  heard.attempts.onAnswer(heard.x)
  // Nine that say nothing, then three failures in a row open the breaker.
  for (let n = 0; n < 12; n++) overtake()
  assert.equal(stage.request().next(), 'b')
  stage.nowMs += 15_001
  overtake()
  assert.equal(stage.request().next(), 'b', 'a probe that is overtaken is none that was answered')
})

test('when all is open the answer says when to come back', () => {
  const stage = new Stage({ a: { attempts: 1 } })
  for (let n = 0; n < 3; n++) {
    const { next, fail } = stage.request()
    next()
    fail('unreachable')
  }
  const { attempts, x } = stage.request()
  const refused = attempts.next(x)
  assert.ok(refused instanceof GatewayError)
  assert.deepEqual([refused.code, refused.retryAfterSeconds], ['upstream_unavailable', 15])
})

test('of all errors the most useful one is told, and of throttled ones the shortest wait', () => {
  const { next, reject, fail, attempts, x } = new Stage({ a: { attempts: 1 }, b: { attempts: 1 }, c: {} }).request()
  next()
  reject('throttled', 9)
  next()
  reject('throttled', 4)
  next()
  fail('unreachable')
  const told = attempts.verdict(x, new GatewayError('upstream_unreachable', 'unreachable'))
  assert.deepEqual([told.message, told.retryAfterSeconds], ['throttled', 4])
})

test('an answer ends the probe of a breaker, and a client that leaves gives it back', () => {
  const stage = new Stage({ a: { attempts: 1 } })
  for (let n = 0; n < 3; n++) {
    const { next, fail } = stage.request()
    next()
    fail('unreachable')
  }
  stage.nowMs += 15_001
  const left = stage.request()
  assert.equal(left.next(), 'a')
  left.attempts.onEnd(left.x)
  const probe = stage.request()
  assert.equal(probe.next(), 'a')
  probe.attempts.onHead(probe.x, 200, {})
  probe.attempts.onAnswer(probe.x)
  assert.equal(stage.request().next(), 'a')
  assert.equal(stage.request().next(), 'a')
  assert.equal(stage.memories.get('a')?.inFlight, 2)
})

test('a target whose answer says that it was the last for now is asked behind the others, and alone all the same', () => {
  const spent = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '20s' }
  const stage = new Stage({ a: {}, b: {} })
  const first = stage.request()
  assert.equal(first.next(), 'a')
  first.attempts.onHead(first.x, 200, spent)
  first.attempts.onAnswer(first.x)
  const second = stage.request()
  assert.deepEqual([second.next(), second.fail('unreachable'), second.next()], ['b', 0, 'a'])
  stage.nowMs += 20_001
  assert.equal(stage.request().next(), 'a')
})

test('a target that waits for what the request needs is asked when it is there, and another one when it does not come', () => {
  const stage = new Stage({ a: {}, b: {} })
  const [a, b] = stage.targets
  assert.ok(a && b)
  const answers: (typeof WAIT | GatewayError | null)[] = [WAIT, null, WAIT, new GatewayError('invalid_request', 'no')]
  stage.targets[0] = { ...a, prepare: () => answers.shift() ?? null }
  const served = stage.request()
  assert.deepEqual([served.next(), served.next()], ['wait', 'a'])
  const refused = stage.request()
  assert.deepEqual([refused.next(), refused.next()], ['wait', 'b'])
  assert.equal(stage.memories.get('a')?.inFlight, 1)
})

test('a client that leaves while a target waits gives it back', () => {
  const stage = new Stage({ a: {} })
  const [a] = stage.targets
  assert.ok(a)
  stage.targets[0] = { ...a, prepare: () => WAIT }
  const { next, attempts, x } = stage.request()
  assert.equal(next(), 'wait')
  attempts.onEnd(x)
  assert.equal(stage.memories.get('a')?.inFlight, 0)
})

test('a stream that began before a target asked for a pause does not end the pause, nor does any other answer', () => {
  const stage = new Stage({ a: { credential: 'one' }, b: {} })
  const stream = stage.request()
  stream.next()
  stage.nowMs += 60_000
  const throttled = stage.request()
  throttled.next()
  throttled.reject('throttled', 30)
  stage.nowMs += 200
  stream.attempts.onHead(stream.x, 200, {})
  stream.attempts.onFirst(stream.x)
  stream.attempts.onAnswer(stream.x)
  assert.equal(stage.memories.get('a')?.waitMs(stage.nowMs), 29_800)
  assert.equal(stage.request().next(), 'b')
})

test('a credential that was thought to be refused serves again when an attempt that began after that is answered', () => {
  const stage = new Stage({ a: {} })
  const [old, refused] = [stage.request(), stage.request()]
  old.next()
  refused.next()
  stage.nowMs += 10
  refused.reject('credential')
  const later = stage.request()
  assert.equal(later.next(), 'a')
  for (const { attempts, x } of [old]) {
    attempts.onHead(x, 200, {})
    attempts.onAnswer(x)
  }
  assert.equal(stage.memories.get('a')?.restsMs(stage.nowMs), 60_000)
  later.attempts.onHead(later.x, 200, {})
  later.attempts.onFirst(later.x)
  assert.equal(stage.memories.get('a')?.restsMs(stage.nowMs), 0)
})

test('a target that is spent for long and then asks for a short pause is not asked in it', () => {
  const spent = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '30s' }
  const stage = new Stage({ a: { attempts: 1 } })
  const first = stage.request()
  first.next()
  first.attempts.onHead(first.x, 200, spent)
  first.attempts.onAnswer(first.x)
  const second = stage.request()
  assert.equal(second.next(), 'a')
  second.reject('throttled', 5)
  const third = stage.request()
  const refused = third.attempts.next(third.x)
  assert.ok(refused instanceof GatewayError)
  assert.equal(refused.retryAfterSeconds, 5)
})

test('a target that throttles without saying for how long rests longer each time, and one request finds out for all', () => {
  const stage = new Stage({ a: {}, b: {} })
  const lengths: (number | undefined)[] = []
  for (let n = 0; n < 3; n++) {
    const trial = stage.request()
    assert.equal(trial.next(), 'a')
    if (n > 0) assert.equal(stage.request().next(), 'b', 'others do not go there until the first has an answer')
    trial.reject('throttled')
    lengths.push(stage.memories.get('a')?.restsMs(stage.nowMs))
    stage.nowMs += lengths.at(-1) ?? 0
  }
  assert.deepEqual(lengths, [1_000, 2_000, 4_000])
  const well = stage.request()
  assert.equal(well.next(), 'a')
  well.attempts.onHead(well.x, 200, {})
  well.attempts.onFirst(well.x)
  assert.equal(stage.request().next(), 'a')
})

test('a request that has waited as long as a target asked for does not go there when that has asked for more meanwhile', () => {
  const stage = new Stage({ a: {} })
  const [first, second] = [stage.request(), stage.request()]
  first.next()
  second.next()
  const waitMs = first.reject('throttled', 2)
  second.reject('throttled', 20)
  stage.nowMs += waitMs
  const told = first.attempts.next(first.x)
  assert.ok(told instanceof GatewayError)
  assert.deepEqual([told.message, told.retryAfterSeconds], ['throttled', 18])
})

test('the probe of a breaker has done its part when its answer begins, and what breaks off later counts as any failure', () => {
  const stage = new Stage({ a: { attempts: 1 } })
  const failAll = () => {
    for (let n = 0; n < 3; n++) {
      const { next, fail } = stage.request()
      next()
      fail('unreachable')
    }
  }
  failAll()
  stage.nowMs += 15_001
  const probe = stage.request()
  assert.equal(probe.next(), 'a')
  assert.equal(stage.request().next(), 'upstream_unavailable')
  probe.attempts.onHead(probe.x, 200, {})
  probe.attempts.onFirst(probe.x)
  assert.equal(stage.request().next(), 'a')
  probe.attempts.onBroken(probe.x, 'truncated')
  failAll()
  assert.equal(stage.request().next(), 'upstream_unavailable')
})
