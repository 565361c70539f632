import assert from 'node:assert/strict'
import fs from 'node:fs'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../test/harness/eventually.ts'
import { PATIENT, planOf, routeOf } from '../../test/request-path/edge.ts'
import { keyOf } from '../../test/request-path/keys.ts'
import { offlineExchange, offlineGateway } from '../../test/request-path/offline.ts'
import { type Candidate, type Exchange, GatewayError, refuse } from '../core/index.ts'
import { monotonicUs } from '../lib/index.ts'
import { AccessLog, createMetricsRow, GatewayMetrics, MetricsRegistry } from '../observability/index.ts'
import type { JournalAppender } from '../storage/index.ts'
import { createRateCheck } from './admit.ts'
import { BUDGET_CELLS, read } from './budget.ts'
import { readIntents } from './intents.ts'
import type { KeyDocument } from './key-document.ts'
import { KeyPrincipal } from './key-principal.ts'
import type { BudgetDocument } from './level-document.ts'
import { NamelessRefusals } from './nameless-refusals.ts'
import { rateOf, remaining } from './rate-limit.ts'
import { createReserve } from './reservation.ts'
import { createSettlement } from './settlement.ts'
import { SharedCounters } from './shared-counters.ts'
import { type Books, budgetAt, ESTIMATE, NO_TRAFFIC, openBooks, TRAFFIC } from './testing/books.ts'
import type { Estimate, Traffic, TrafficPort } from './traffic.ts'

interface House {
  readonly counters: BigInt64Array
  readonly intents: Float64Array
  readonly journal: JournalAppender
  readonly dispatched: Exchange[]
  /** Changes what a request is estimated to cost, and what it did. */
  estimate: Estimate
  traffic: Traffic
  accepting: boolean
  /** A request of a key with these budgets, reserved; its reservation is in the journal after the turn. */
  begin(budgets: readonly BudgetDocument[], more?: Partial<KeyDocument>): Exchange
  ledger(x: Exchange): ReturnType<Books['request']>
}

const TOKENS = budgetAt(0, 'tokens', 1_000)
const NANOS = budgetAt(1, 'nanos', 1_000_000)

function house(t: TestContext, capacity = 64): House {
  const books = openBooks(t, capacity)
  const { counters, intents, journal } = books
  const dispatched: Exchange[] = []
  const port: TrafficPort = {
    estimate: () => here.estimate,
    traffic: (x) => (x.attempts === 0 ? NO_TRAFFIC : here.traffic),
    abandon: () => null,
    said: () => null,
    switchModel: () => false,
  }
  const desk = new SharedCounters(counters, { intents })
  const admit = createRateCheck(desk)
  const reserve = createReserve({
    desk,
    journal,
    port,
    accepting: () => here.accepting,
  })
  const metrics = new GatewayMetrics(new MetricsRegistry({ row: createMetricsRow(), onSeries: () => undefined }))
  const accessLog = new AccessLog({ output: 'off', level: 'info' })
  const settle = createSettlement(
    { worker: 0, journal, accessLog, metrics, refusals: new NamelessRefusals(0), desk },
    port,
  )
  const gateway = offlineGateway()
  t.after(() => gateway.deadlines.stop())
  const here: House = {
    counters,
    intents: books.region,
    journal,
    dispatched,
    estimate: ESTIMATE,
    traffic: TRAFFIC,
    accepting: true,
    begin(budgets, more) {
      const x = offlineExchange({ gateway, plan: planOf({}) })
      x.principal = new KeyPrincipal(keyOf('k', { budgets, ...more }))
      x.route = routeOf({ reserve, settle: [settle] })
      const candidate: Candidate = {
        name: 'far/small',
        upstream: {
          name: 'far',
          origin: 'http://far',
          timeouts: PATIENT,
          transport: { dispatch: () => dispatched.push(x) > 0, close: () => Promise.resolve() },
        },
        encode: () => ({ method: 'POST', path: '/', headers: [], body: null }),
        open: () => ({
          start: () => 'buffer',
          complete: (body) => body,
          push: (chunk) => chunk,
          end: () => null,
          headers: () => [],
        }),
      }
      x.candidates = [candidate]
      x.candidate = candidate
      gateway.begin(x)
      assert.equal(admit(x), null)
      reserve(x, candidate)
      return x
    },
    ledger: (x) => books.request(x.id),
  }
  return here
}

const use = (here: House, { slot }: BudgetDocument) => read(here.counters, slot, 0)
const FREE = { used: 0, reserved: 0, spent: 0, overshoot: 0 }

async function dispatchedOf(here: House, x: Exchange): Promise<void> {
  await eventually(() => here.dispatched.includes(x), { what: 'the dispatch' })
}

/** Ends a request as its upstream's failure or success would. */
function finish(x: Exchange): void {
  refuse(x, new GatewayError('upstream_error', 'far failed.'))
}

test('B5 what a budget or a rate of tokens refuses takes nothing from the rates of requests, and what is dispatched keeps it', async (t) => {
  const here = house(t)
  const rate = { level: 'key:k', slot: 2 * BUDGET_CELLS, ...rateOf(10, 60_000_000), limit: 10, per: 'minute' } as const
  const tokenRate = { level: 'key:k', slot: 2 * BUDGET_CELLS + 1, limit: 10 }
  const left = () => remaining(here.counters, rate.slot, monotonicUs(), rate.intervalUs, rate.burst)
  const rows = [
    ['budget_exceeded', budgetAt(0, 'tokens', 10), {}],
    ['budget_exceeded', budgetAt(0, 'nanos', 0), {}],
    ['rate_limit_exceeded', TOKENS, { tokenRate }],
  ] as const
  for (const [code, budget, more] of rows) {
    const refused = here.begin([budget], { rates: [rate], ...more })
    assert.deepEqual([refused.error?.code, left()], [code, 10])
  }
  const x = here.begin([TOKENS], { rates: [rate] })
  await dispatchedOf(here, x)
  finish(x)
  assert.equal(left(), 9)
})

test('takes from every budget, dispatches when the entry is written, and settles what was used', async (t) => {
  const here = house(t)
  const x = here.begin([TOKENS, NANOS])
  assert.deepEqual(use(here, TOKENS), { used: 100, reserved: 100, spent: 0, overshoot: 0 })
  assert.deepEqual(use(here, NANOS), { used: 5_000, reserved: 5_000, spent: 0, overshoot: 0 })
  assert.equal(here.dispatched.length, 0, 'not before the entry is in the journal')
  await dispatchedOf(here, x)
  finish(x)
  here.journal.flushNow()
  assert.deepEqual(use(here, TOKENS), { used: 42, reserved: 0, spent: 42, overshoot: 0 })
  assert.deepEqual(use(here, NANOS), { used: 1_234, reserved: 0, spent: 1_234, overshoot: 0 })
  assert.equal(readIntents(here.intents).settled, 2, 'the settlement is applied once')
  const found = await here.ledger(x)
  assert.deepEqual(
    found?.ledger.map(({ phase, tokens, nanos }) => [phase, tokens, nanos]),
    [
      ['reserve', 100, 5_000],
      ['settle', 42, 1_234],
    ],
  )
  assert.deepEqual(
    [
      found?.record.input_tokens,
      found?.record.output_tokens,
      found?.record.cost_nanos,
      found?.record.outcome,
      found?.record.key_id,
    ],
    [10, 20, 1_234, 'upstream_error', 'k'],
  )
})

test('refuses with 402 when any budget has no room, and takes from none', async (t) => {
  for (const budgets of [
    [TOKENS, { ...NANOS, limit: 4_999 }],
    [{ ...TOKENS, limit: 99 }, NANOS],
  ]) {
    const here = house(t)
    const x = here.begin(budgets)
    assert.deepEqual([x.error?.code, x.error?.status, x.settled, x.attempts], ['budget_exceeded', 402, true, 0])
    assert.match(x.error?.message ?? '', /in total/)
    for (const each of budgets) assert.deepEqual(use(here, each), FREE)
    const found = await here.ledger(x)
    assert.deepEqual([found?.ledger.length, found?.record.status, found?.record.outcome], [0, 402, 'refused'])
  }
})

test('says when a budget starts anew', (t) => {
  const here = house(t)
  const x = here.begin([{ ...TOKENS, limit: 1, per: 'month' }])
  const now = new Date()
  const next = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1))
  assert.equal(x.error?.message.includes(next.toISOString()), true)
})

test('a budget of money refuses what has no price', (t) => {
  const here = house(t)
  here.estimate = { ...ESTIMATE, nanos: null, priceRuleJson: 'null' }
  const x = here.begin([TOKENS, NANOS])
  assert.deepEqual([x.error?.code, x.error?.status], ['unpriced', 403])
  assert.deepEqual(use(here, TOKENS), FREE)
})

test('a budget of tokens takes what has no price', async (t) => {
  const here = house(t)
  here.estimate = { ...ESTIMATE, nanos: null, priceRuleJson: 'null' }
  here.traffic = { ...TRAFFIC, costNanos: null, priceRule: null }
  const x = here.begin([TOKENS])
  await dispatchedOf(here, x)
  finish(x)
  const found = await here.ledger(x)
  assert.deepEqual([found?.ledger[1]?.tokens, found?.ledger[1]?.nanos, found?.record.cost_nanos], [42, 0, null])
})

test('a key without budgets leaves its entries too', async (t) => {
  const here = house(t)
  const x = here.begin([])
  await dispatchedOf(here, x)
  finish(x)
  assert.equal((await here.ledger(x))?.ledger.length, 2)
})

test('a client that leaves before the entry is written costs nothing, and both entries follow', async (t) => {
  const here = house(t)
  const x = here.begin([TOKENS, NANOS])
  x.cancelled = true
  refuse(x, new GatewayError('client_closed', 'The client left.'))
  await eventually(() => use(here, TOKENS).used === 0, { what: 'the settlement of nothing' })
  assert.deepEqual([use(here, TOKENS), use(here, NANOS)], [FREE, FREE])
  assert.equal(here.dispatched.length, 0)
  const found = await here.ledger(x)
  assert.deepEqual(
    found?.ledger.map(({ phase, tokens, nanos }) => [phase, tokens, nanos]),
    [
      ['reserve', 100, 5_000],
      ['settle', 0, 0],
    ],
  )
  assert.deepEqual([found?.record.cancelled, found?.record.attempts], [true, 0])
})

test('a journal that refuses gives everything back and answers 503', async (t) => {
  const here = house(t)
  let full = true
  const { writeSync } = fs
  t.mock.method(fs, 'writeSync', (...args: Parameters<typeof fs.writeSync>) => {
    if (full) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    return writeSync(...args)
  })
  const requests = [here.begin([TOKENS, NANOS]), here.begin([TOKENS]), here.begin([NANOS])]
  await eventually(() => requests.every((x) => x.settled), { what: 'the refusals' })
  for (const x of requests)
    assert.deepEqual([x.error?.code, x.error?.status, x.error?.retryAfterSeconds], ['journal_unavailable', 503, 1])
  assert.deepEqual([use(here, TOKENS), use(here, NANOS)], [FREE, FREE])
  assert.deepEqual(readIntents(here.intents).taken, [])
  assert.equal(here.dispatched.length, 0)
  full = false
  await eventually(() => {
    here.journal.flushNow()
    return here.journal.healthy
  })
  const later = here.begin([TOKENS])
  await dispatchedOf(here, later)
  assert.equal(use(here, TOKENS).reserved, 100)
})

test('a settlement that the disk refuses for a while is applied when it is written, and once', async (t) => {
  const here = house(t)
  const x = here.begin([TOKENS])
  await dispatchedOf(here, x)
  let full = true
  const { writeSync } = fs
  t.mock.method(fs, 'writeSync', (...args: Parameters<typeof fs.writeSync>) => {
    if (full) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    return writeSync(...args)
  })
  finish(x)
  here.journal.flushNow()
  assert.deepEqual(use(here, TOKENS), { used: 100, reserved: 100, spent: 0, overshoot: 0 })
  full = false
  await eventually(() => use(here, TOKENS).reserved === 0)
  assert.deepEqual(use(here, TOKENS), { used: 42, reserved: 0, spent: 42, overshoot: 0 })
  assert.equal((await here.ledger(x))?.ledger.length, 2)
})

test('a request that could not be dispatched gives everything back', async (t) => {
  const here = house(t)
  const x = here.begin([TOKENS])
  const [candidate] = x.candidates ?? []
  assert.ok(candidate !== undefined)
  const { upstream } = candidate
  x.candidate = {
    ...candidate,
    upstream: { ...upstream, transport: { ...upstream.transport, dispatch: () => false } },
  }
  await eventually(() => x.settled)
  here.journal.flushNow()
  assert.deepEqual([x.error?.code, x.attempts], ['saturated', 0])
  assert.deepEqual(use(here, TOKENS), FREE)
})

test('what was used beyond the reservation is counted, beyond the limit as overshoot', async (t) => {
  const here = house(t)
  here.traffic = { ...TRAFFIC, outputTokens: 2_000 }
  const x = here.begin([TOKENS])
  await dispatchedOf(here, x)
  finish(x)
  here.journal.flushNow()
  assert.deepEqual(use(here, TOKENS), { used: 1_000, reserved: 0, spent: 1_000, overshoot: 1_022 })
  assert.equal(here.begin([TOKENS]).error?.code, 'budget_exceeded')
})

test('of an answer that is not wholly priced a budget of money is charged what was reserved, and the ledger no cost', async (t) => {
  const here = house(t)
  here.traffic = { ...TRAFFIC, costNanos: null, leastNanos: 1_000, priceRule: 'test+unpriced:web_search' }
  const x = here.begin([TOKENS, NANOS])
  await dispatchedOf(here, x)
  finish(x)
  here.journal.flushNow()
  assert.deepEqual(use(here, TOKENS), { used: 42, reserved: 0, spent: 42, overshoot: 0 })
  assert.deepEqual(use(here, NANOS), { used: 5_000, reserved: 0, spent: 5_000, overshoot: 0 })
  const found = await here.ledger(x)
  assert.equal(found?.ledger.find(({ phase }) => phase === 'settle')?.nanos, 0)
  assert.deepEqual([found?.record.cost_nanos, found?.record.price_rule], [null, 'test+unpriced:web_search'])
})

test('a turn with more reservations than can be noted refuses the rest, and takes nothing for them', (t) => {
  const here = house(t, 3)
  const roomy = { ...TOKENS, limit: 1e9 }
  const requests = Array.from({ length: 3 }, () => here.begin([roomy, NANOS]))
  assert.deepEqual(
    requests.map((x) => x.error?.code ?? null),
    [null, 'saturated', 'saturated'],
  )
  assert.equal(use(here, roomy).reserved, 100)
  assert.equal(use(here, NANOS).reserved, 5_000)
})

test('takes nothing while the journal has grown past its limit', (t) => {
  const here = house(t)
  here.accepting = false
  const x = here.begin([TOKENS])
  assert.deepEqual([x.error?.code, x.settled], ['journal_unavailable', true])
  assert.deepEqual(use(here, TOKENS), FREE)
})

test('of requests at the same moment exactly as many are admitted as the budget covers', async (t) => {
  const here = house(t, 64)
  const requests = Array.from({ length: 30 }, () => here.begin([TOKENS]))
  const refused = requests.filter((x) => x.error !== null)
  assert.equal(refused.length, 20)
  await eventually(() => here.dispatched.length === 10)
  assert.equal(use(here, TOKENS).used, 1_000)
})
