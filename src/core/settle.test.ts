import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { planOf, routeOf } from '../../test/request-path/edge.ts'
import { offlineExchange, offlineGateway } from '../../test/request-path/offline.ts'
import { candidateOf, relayTap } from '../../test/request-path/upstream.ts'
import { beginAttempt } from './begin-attempt.ts'
import { ERROR_CODES, type ErrorCode, GatewayError } from './errors.ts'
import type { EndState, Exchange } from './exchange.ts'
import type { DispatchController, ResponseHandler } from './phases.ts'
import { refuse } from './respond/refuse.ts'
import { cancel, endStateOf, settle } from './settle.ts'

/** Everything that may happen to a request after its dispatch, in any order and any number of times. */
const STEPS = {
  start: ({ handler, controller }: Scene) => handler.onRequestStart(controller, null),
  interim: ({ handler, controller }: Scene) => handler.onResponseStart(controller, 103, {}),
  head: ({ handler, controller }: Scene) => handler.onResponseStart(controller, 200, {}),
  data: ({ handler, controller }: Scene) => handler.onResponseData(controller, Buffer.from('data')),
  much: ({ handler, controller }: Scene) => handler.onResponseData(controller, Buffer.alloc(300_000)),
  end: ({ handler, controller }: Scene) => handler.onResponseEnd(controller, null),
  error: ({ handler, controller }: Scene) => handler.onResponseError(controller, new Error('broken')),
  close: ({ x }: Scene) => cancel(x),
  drain: ({ x }: Scene) => x.gateway.cutAll(refuse),
  expire: ({ x }: Scene) => x.watched?.onDue(performance.now()),
  settle: ({ x }: Scene) => settle(x),
  writable: ({ x }: Scene) => x.attempt?.drained(),
} as const
type Step = keyof typeof STEPS
/** What follows the head only. */
const AFTER_HEAD: readonly Step[] = ['data', 'much', 'end']
/** After each of these the request has ended. */
const FINAL: readonly Step[] = ['error', 'close', 'drain', 'expire', 'settle']

interface Scene {
  readonly x: Exchange
  readonly handler: ResponseHandler
  readonly controller: DispatchController & { readonly aborts: number }
}

function scene(plan: 'buffer' | 'stream', totalMs: number, settled: () => void): Scene {
  let handler: ResponseHandler | null = null
  const transport = {
    dispatch: (_request: unknown, given: ResponseHandler) => {
      handler = given
      return true
    },
    close: () => Promise.resolve(),
  }
  const gateway = offlineGateway()
  const x = offlineExchange({ method: 'GET', gateway, plan: planOf({}) })
  x.route = routeOf({ settle: [settled] })
  x.candidates = [candidateOf({ transport, tap: () => relayTap(plan), timeouts: { totalMs } })]
  gateway.begin(x)
  beginAttempt(x)
  assert.ok(handler !== null)
  gateway.deadlines.stop()
  let aborts = 0
  const controller = {
    pause: () => undefined,
    resume: () => undefined,
    abort: () => {
      aborts++
    },
    get aborts() {
      return aborts
    },
  }
  return { x, handler, controller }
}

test('a request settles exactly once, whatever happens to it and in whatever order', () => {
  const steps = fc.array(fc.constantFrom(...(Object.keys(STEPS) as Step[])), { maxLength: 12 })
  fc.assert(
    fc.property(steps, fc.constantFrom('buffer', 'stream'), (happened, plan) => {
      let count = 0
      const played = scene(plan, 0, () => count++)
      const { x } = played
      let over = false
      for (const [at, step] of happened.entries()) {
        // No transport tells of a body before the head, nor of two heads.
        const headed = happened.slice(0, at).includes('head')
        if (headed ? step === 'head' : AFTER_HEAD.includes(step)) continue
        STEPS[step](played)
        // Its deadline is always over: to look at the time is to end. So is an answer's end, when it has begun.
        over ||= FINAL.includes(step) || step === 'end'
        if (over) assert.equal(count, 1, `after ${step}`)
        assert.equal(x.settled, count === 1)
      }
      if (!over) cancel(x)
      assert.equal(count, 1)
      assert.equal(x.gateway.exchanges.size, 0)
      assert.equal(x.watched, null)
      assert.equal(x.body, null)
      assert.ok(played.controller.aborts <= 1 + happened.filter((step) => step === 'start').length)
    }),
    { numRuns: 2_000 },
  )
})

test('an answer that is complete is not cut by what happens after it', () => {
  for (const plan of ['buffer', 'stream'] as const) {
    for (const later of ['error', 'close', 'drain', 'end', 'data', 'head', 'settle'] as const) {
      const played = scene(plan, 60_000, () => undefined)
      for (const step of ['start', 'head', 'data', 'end'] as const) STEPS[step](played)
      STEPS[later](played)
      const { x, controller } = played
      assert.deepEqual(
        [x.end, x.error, x.cancelled, controller.aborts],
        ['success', null, false, 0],
        `${plan}, ${later}`,
      )
    }
  }
})

test('what leaves an answer open upstream aborts it', () => {
  for (const last of ['close', 'drain', 'expire'] as const) {
    const played = scene('stream', last === 'expire' ? 0 : 60_000, () => undefined)
    for (const step of ['start', 'head', 'data', last] as const) STEPS[step](played)
    assert.equal(played.controller.aborts, 1, last)
  }
})

test('an attempt whose client left before the connection stood is aborted as soon as it stands', () => {
  const played = scene('stream', 60_000, () => undefined)
  cancel(played.x)
  assert.equal(played.controller.aborts, 0)
  STEPS.start(played)
  assert.equal(played.controller.aborts, 1)
})

test('every error code stands for one way to end', () => {
  const special: Partial<Record<ErrorCode, EndState>> = {
    upstream_timeout: 'timeout',
    draining: 'drained',
    client_closed: 'cancelled',
    client_stalled: 'cancelled',
    saturated: 'refused',
    journal_unavailable: 'refused',
    governance_backend_unavailable: 'refused',
    not_ready: 'refused',
    internal_error: 'gateway_error',
  }
  const bySource = { client: 'refused', upstream: 'upstream_error', gateway: 'gateway_error' } as const
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const error = new GatewayError(code, 'x')
    assert.equal(endStateOf(error), special[code] ?? bySource[error.source], code)
  }
})
