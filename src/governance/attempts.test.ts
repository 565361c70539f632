import assert from 'node:assert/strict'
import fs from 'node:fs'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../test/harness/eventually.ts'
import { RawClient } from '../../test/harness/raw-client.ts'
import { planOf, routeOf, startEdge } from '../../test/request-path/edge.ts'
import { InTurn } from '../../test/request-path/in-turn.ts'
import { keyOf } from '../../test/request-path/keys.ts'
import { candidateOf, poolTo, startHttp, startRaw } from '../../test/request-path/upstream.ts'
import { type Candidate, type Exchange, GatewayError } from '../core/index.ts'
import { monotonicUs } from '../lib/index.ts'
import { AccessLog, createMetricsRow, GatewayMetrics, MetricsRegistry } from '../observability/index.ts'
import { createRateCheck } from './admit.ts'
import { BUDGET_CELLS, read } from './budget.ts'
import { readIntents } from './intents.ts'
import { KeyPrincipal } from './key-principal.ts'
import type { RateDocument } from './level-document.ts'
import { NamelessRefusals } from './nameless-refusals.ts'
import { rateOf, remaining } from './rate-limit.ts'
import { createGiveWay, createReserve } from './reservation.ts'
import { createSettlement } from './settlement.ts'
import { SharedCounters } from './shared-counters.ts'
import { type Books, budgetAt, ESTIMATE, NO_TRAFFIC, openBooks, TRAFFIC } from './testing/books.ts'
import type { TrafficPort } from './traffic.ts'

/** Covers one attempt and no second one beside it. */
const TOKENS = budgetAt(0, 'tokens', 100)
const FREE = { used: 0, reserved: 0, spent: 0, overshoot: 0 }
const SERVED = { used: 42, reserved: 0, spent: 42, overshoot: 0 }
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'

/** An answer that came in time cost what TRAFFIC says; one that was waited for in vain, 7 tokens and 70 nanos. */
const PORT: TrafficPort = {
  estimate: (_x, candidate) => ({ ...ESTIMATE, tokens: candidate.name === 'dear' ? 101 : ESTIMATE.tokens }),
  traffic: (x) => (x.end === 'success' ? TRAFFIC : NO_TRAFFIC),
  said: () => null,
  switchModel: () => false,
  abandon: (_x, failure) =>
    failure === 'first_byte_timeout'
      ? { ...NO_TRAFFIC, inputTokens: 7, costNanos: 70, usageSource: 'estimated' }
      : NO_TRAFFIC,
}

/** A metered route whose requests go to the candidates in turn, with real books behind it. */
async function metered(
  t: TestContext,
  candidates: readonly Candidate[],
  {
    limit = TOKENS.limit,
    noMore = null,
    rates = [],
  }: { limit?: number; noMore?: GatewayError | null; rates?: readonly RateDocument[] } = {},
) {
  const books = openBooks(t)
  const { counters, intents, journal } = books
  const desk = new SharedCounters(counters, { intents })
  const admit = createRateCheck(desk)
  const metrics = new GatewayMetrics(new MetricsRegistry({ row: createMetricsRow(), onSeries: () => undefined }))
  const sinks = { worker: 0, journal, accessLog: new AccessLog({ output: 'off', level: 'info' }), metrics }
  let begun: Exchange | null = null
  const route = routeOf({
    bodyLimit: 100,
    identify(x) {
      x.principal = new KeyPrincipal(keyOf('k', { budgets: [{ ...TOKENS, limit }], rates }))
      begun = x
      return admit(x)
    },
    inspect(x) {
      const inTurn = new InTurn(candidates, noMore)
      // With rates, who cannot be paid is passed over.
      x.attempting = rates.length === 0 ? inTurn : Object.assign(inTurn, { onRefused: () => null })
      return null
    },
    reserve: createReserve({
      desk,
      journal,
      port: PORT,
      accepting: () => journal.healthy,
    }),
    giveWay: createGiveWay(PORT),
    settle: [createSettlement({ ...sinks, refusals: new NamelessRefusals(0), desk }, PORT)],
  })
  const edge = await startEdge(t, { plan: planOf({ '/': { POST: route } }) })
  const client = await RawClient.connect(edge.url)
  t.after(() => client.close())
  await client.send(POST)
  const request = () => {
    assert.ok(begun !== null, 'the request has begun')
    return begun
  }
  return { books, client, edge, request }
}

const use = ({ counters }: Books) => read(counters, TOKENS.slot, 0)

/** The rows of a request's ledger, and what of its record speaks of attempts. */
function facts(found: Awaited<ReturnType<Books['request']>>) {
  const rows = found?.ledger.map(({ attempt, phase, tokens, nanos, usage_source }) =>
    phase === 'settle' ? [attempt, phase, tokens, nanos, usage_source] : [attempt, phase, tokens, nanos],
  )
  const { attempts, outcome, cost_nanos } = found?.record ?? {}
  return { rows, record: [attempts, outcome, cost_nanos] }
}

const reserved = (attempt: number) => [attempt, 'reserve', 100, 5_000]
const unused = (attempt: number) => [attempt, 'settle', 0, 0, 'none']
const served = (attempt: number) => [attempt, 'settle', 42, 1_234, 'reported']

async function serving(t: TestContext): Promise<Candidate> {
  const { origin } = await startHttp(t, (_req, res) => res.end('answer'))
  return candidateOf({ transport: poolTo(t, origin) })
}

/** Upstreams that come to nothing, and how many dispatches the record then counts with the one that follows. */
const FAILING: readonly (readonly [what: string, of: (t: TestContext) => Promise<Candidate>, attempts: number])[] = [
  [
    'answers 503',
    async (t) => {
      const { origin } = await startHttp(t, (_req, res) => res.writeHead(503).end('busy'))
      return candidateOf({ transport: poolTo(t, origin) })
    },
    2,
  ],
  [
    'closes the connection',
    async (t) => {
      const { origin } = await startRaw(t, (socket) => socket.resetAndDestroy())
      return candidateOf({ transport: poolTo(t, origin) })
    },
    2,
  ],
  [
    'has no connection left',
    () => Promise.resolve(candidateOf({ transport: { dispatch: () => false, close: () => Promise.resolve() } })),
    1,
  ],
]

for (const [what, failing, attempts] of FAILING) {
  test(`an upstream that ${what} costs nothing, and the next attempt has its own reservation and settlement`, async (t) => {
    const { books, client, request } = await metered(t, [await failing(t), await serving(t)])
    assert.equal((await client.waitForResponses())[0]?.body.toString(), 'answer')
    assert.deepEqual(facts(await books.request(request().id)), {
      rows: [reserved(1), unused(1), reserved(2), served(2)],
      record: [attempts, 'success', 1_234],
    })
    assert.deepEqual(use(books), SERVED)
    assert.equal(readIntents(books.region).settled, 2, 'each settlement is applied once')
  })
}

test('an attempt that may have been worked on is charged, and the record holds what all attempts cost', async (t) => {
  const silent = await startHttp(t, () => undefined)
  const slow = candidateOf({ transport: poolTo(t, silent.origin), timeouts: { firstByteMs: 20 } })
  const { books, client, request } = await metered(t, [slow, await serving(t)], { limit: 110 })
  await client.waitForResponses()
  const found = await books.request(request().id)
  assert.deepEqual(facts(found), {
    rows: [reserved(1), [1, 'settle', 7, 70, 'estimated'], reserved(2), served(2)],
    record: [2, 'success', 1_304],
  })
  assert.deepEqual([found?.record.input_tokens, found?.record.usage_source], [17, 'estimated'])
  assert.equal(use(books).spent, 49)
})

test('when no server is left, what gave way is settled, and the record comes alone', async (t) => {
  const [, failing] = FAILING[0] ?? assert.fail()
  const none = new GatewayError('upstream_unavailable', 'No server is left.')
  const { books, client, request } = await metered(t, [await failing(t)], { noMore: none })
  await client.waitForResponses()
  assert.deepEqual(facts(await books.request(request().id)), {
    rows: [reserved(1), unused(1)],
    record: [1, 'upstream_error', 0],
  })
  assert.deepEqual(use(books), FREE)
})

test('a request whose first target a budget refused and whose second one served it keeps what it took of its rates', async (t) => {
  const rate = { level: 'key:k', slot: BUDGET_CELLS, ...rateOf(10, 60_000_000), limit: 10, per: 'minute' } as const
  const cheap = await serving(t)
  const { books, client, request } = await metered(t, [{ ...cheap, name: 'dear' }, cheap], { rates: [rate] })
  assert.equal((await client.waitForResponses())[0]?.body.toString(), 'answer')
  await eventually(() => request().settled)
  assert.equal(remaining(books.counters, rate.slot, monotonicUs(), rate.intervalUs, rate.burst), 9)
})

test('a dearer second attempt that the budget does not cover is refused, with nothing left reserved', async (t) => {
  const [, failing] = FAILING[0] ?? assert.fail()
  const dear: Candidate = { ...(await serving(t)), name: 'dear' }
  const { books, client, request } = await metered(t, [await failing(t), dear])
  await client.waitForResponses()
  const found = await books.request(request().id)
  assert.deepEqual(facts(found), { rows: [reserved(1), unused(1)], record: [1, 'refused', 0] })
  assert.equal(found?.record.error_code, 'budget_exceeded')
  assert.deepEqual(use(books), FREE)
})

test('a process that dies within the second attempt leaves the first one settled and the second one lost', async (t) => {
  const [, failing] = FAILING[0] ?? assert.fail()
  let asked = false
  const silent = await startHttp(t, () => {
    asked = true
  })
  const { books, request } = await metered(t, [await failing(t), candidateOf({ transport: poolTo(t, silent.origin) })])
  await eventually(() => asked, { what: 'the second attempt' })
  assert.deepEqual(use(books), { used: 100, reserved: 100, spent: 0, overshoot: 0 }, 'only the second one is open')
  assert.deepEqual(facts(await books.requestAfterRestart(request().id)), {
    rows: [reserved(1), unused(1), reserved(2), [2, 'settle', 100, 5_000, 'reserved']],
    record: [2, 'lost', 5_000],
  })
})

test('a client that leaves within the second attempt leaves nothing open', async (t) => {
  const [, failing] = FAILING[0] ?? assert.fail()
  let asked = false
  const silent = await startHttp(t, () => {
    asked = true
  })
  const second = candidateOf({ transport: poolTo(t, silent.origin) })
  const { books, client, edge, request } = await metered(t, [await failing(t), second])
  await eventually(() => asked, { what: 'the second attempt' })
  client.close()
  await edge.settled()
  assert.deepEqual(facts(await books.request(request().id)), {
    rows: [reserved(1), unused(1), reserved(2), unused(2)],
    record: [2, 'cancelled', 0],
  })
  assert.deepEqual(use(books), FREE)
})

test('a disk that refuses the first settlement ends the request, and all is given back when it takes it', async (t) => {
  let full = false
  const { writeSync } = fs
  t.mock.method(fs, 'writeSync', (...args: Parameters<typeof fs.writeSync>) => {
    if (full) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    return writeSync(...args)
  })
  const { origin } = await startHttp(t, (_req, res) => {
    full = true
    res.writeHead(503).end('busy')
  })
  const { books, client, request } = await metered(t, [candidateOf({ transport: poolTo(t, origin) }), await serving(t)])
  const [response] = await client.waitForResponses()
  assert.equal(response?.status, 503)
  assert.equal(request().error?.code, 'journal_unavailable')
  assert.deepEqual(use(books), { used: 100, reserved: 100, spent: 0, overshoot: 0 })
  full = false
  await eventually(() => use(books).reserved === 0, { what: 'the settlement' })
  assert.deepEqual(facts(await books.request(request().id)), {
    rows: [reserved(1), unused(1)],
    record: [1, 'refused', 0],
  })
})
