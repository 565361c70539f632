import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from '../harness/checker.ts'
import { errorCode } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { House, scaled, scaledTime } from './house.ts'

const BIG = { budgets: [{ tokens: 1_000_000_000, per: 'month' }] }
const MODELS = [
  'ok',
  'barrier',
  'barrier-mid',
  'slow-20',
  'barrier-over-200',
  'usage-negative',
  'usage-huge',
  'usage-string',
  'usage-missing',
  'usage-zero',
  'usage-fraction',
]

async function budget(house: House): Promise<{ used: number; reserved: number; limit: number }> {
  const samples = await house.gateway.metrics()
  const value = (name: string) =>
    findSamples(samples, `ferro_budget_${name}`, { key: 'dev', unit: 'tokens' })[0]?.value ?? Number.NaN
  return { used: value('used'), reserved: value('reserved'), limit: value('limit') }
}

/** A body whose requests all reserve the same amount: same length, same cap. */
const request = (index: number, model = 'barrier') => ({
  model,
  nonce: `b1-${String(index).padStart(6, '0')}`,
  body: { max_tokens: 8 },
})

let reservation: Promise<number> | null = null

/** What one such request reserves; measured once, on a gateway with a large budget. */
function measureReservation(): Promise<number> {
  reservation ??= measure()
  return reservation
}

async function measure(): Promise<number> {
  const house = await House.build({ models: MODELS, key: BIG })
  try {
    const call = house.client.start(request(0))
    await house.wall.waitForRequests(1)
    const { reserved } = await budget(house)
    assert.ok(reserved > 0, 'a request in flight has something reserved')
    house.wall.release()
    await call.result
    await eventually(async () => (await budget(house)).reserved === 0)
    assert.equal((await budget(house)).used, 11)
    return reserved
  } finally {
    await house.close()
  }
}

for (const workers of [1, 4]) {
  test(`B1 a budget for ten requests lets exactly ten of many through, with ${workers} worker(s)`, {
    timeout: scaledTime(60_000),
  }, async (t) => {
    const limit = 10 * (await measureReservation())
    const house = await House.build({
      models: MODELS,
      key: { budgets: [{ tokens: limit, per: 'month' }] },
      more: { workers },
    })
    try {
      let watching = true
      const samples: { used: number; reserved: number; limit: number }[] = []
      const watch = (async () => {
        while (watching) samples.push(await budget(house))
      })()
      const count = scaled(200)
      const calls = Array.from({ length: count }, (_unused, index) => house.client.start(request(index)))
      await house.wall.waitForRequests(10)
      await eventually(() => calls.filter((call) => call.entry.status !== null).length === count - 10, {
        deadlineMs: 20_000,
      })
      house.wall.release()
      const results = await Promise.all(calls.map((call) => call.result))
      watching = false
      await watch
      const statuses = Map.groupBy(results, (result) => result.status)
      const counts = Object.fromEntries([...statuses].map(([status, answers]) => [`${status}`, answers.length]))
      assert.deepEqual(counts, { 200: 10, 402: count - 10 })
      for (const refused of statuses.get(402) ?? []) assert.equal(errorCode(refused.json), 'insufficient_quota')
      assert.equal(house.wall.requests.length, 10)
      t.diagnostic(`${samples.length} readings of the budget, none above its limit`)
      assert.ok(samples.length > 2)
      for (const sample of samples) assert.ok(sample.used <= sample.limit, JSON.stringify(sample))
      assert.ok(
        samples.some((sample) => sample.used === limit),
        'a reader saw the budget taken to the last token',
      )
      assert.deepEqual(await violations(house.evidence), [])
      assert.equal((await budget(house)).used, 110)
      const [sample] = statuses.get(402) ?? []
      assert.equal(sample?.headers['x-should-retry'], 'false')
      assert.equal(sample?.headers['retry-after'], undefined)
    } finally {
      await house.close()
    }
  })
}

test('B3 reservations come back: what was not used can be used, and used never passes the limit', {
  timeout: 60_000,
}, async () => {
  const limit = 2_000
  const house = await House.build({
    models: MODELS,
    key: { budgets: [{ tokens: limit, per: 'month' }] },
    more: { workers: 2 },
  })
  try {
    let watching = true
    let worst = 0
    const watch = (async () => {
      while (watching) worst = Math.max(worst, (await budget(house)).used)
    })()
    let refused = 0
    let sent = 0
    const next = () => house.client.chat(request(sent++, 'ok'))
    const worker = async () => {
      while (refused < 50) {
        const result = await next()
        if (result.status === 402) refused++
        else assert.equal(result.status, 200)
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    watching = false
    await watch
    assert.ok(worst <= limit, `a reader saw ${worst} of ${limit}`)
    assert.deepEqual(await violations(house.evidence), [])
    // One at a time: what the others gave back is there for whoever asks.
    while ((await next()).status === 200);
    assert.deepEqual(await violations(house.evidence), [])
    const { used } = await budget(house)
    const reservation = await measureReservation()
    assert.ok(
      used > limit - reservation,
      `${used} of ${limit} were used before a reservation of about ${reservation} was refused`,
    )
  } finally {
    await house.close()
  }
})

test('B4 upstreams that ignore the cap are charged in full, the excess is told, and the next request is refused', async () => {
  // A byte of the body is reserved as a token: the longer name of the model counts.
  const limit = 2 * ((await measureReservation()) + 'barrier-over-200'.length - 'barrier'.length)
  const house = await House.build({ models: MODELS, key: { budgets: [{ tokens: limit, per: 'month' }] } })
  try {
    const calls = [0, 1].map((index) => house.client.start(request(index, 'barrier-over-200')))
    await house.wall.waitForRequests(2)
    assert.equal((await house.client.chat(request(2))).status, 402, 'both reservations fill the budget')
    house.wall.release()
    for (const call of calls) assert.equal((await call.result).status, 200)
    assert.deepEqual(await violations(house.evidence), [])
    const used = 2 * 203
    const settled = readLedger(house.gateway.databasePath).ledger.filter((row) => row.phase === 'settle')
    assert.equal(
      settled.reduce((sum, row) => sum + row.tokens, 0),
      used,
    )
    const [overshoot] = findSamples(await house.gateway.metrics(), 'ferro_budget_overshoot', {
      key: 'dev',
      unit: 'tokens',
    })
    assert.equal(overshoot?.value, used - limit)
    assert.equal((await house.client.chat(request(3))).status, 402)
  } finally {
    await house.close()
  }
})

test('F25 B21 impossible usage never lowers what was spent, and an explicit zero stays zero', async () => {
  const house = await House.build({ models: MODELS, key: BIG })
  try {
    let used = 0
    for (const stream of [false, true]) {
      for (const variant of ['negative', 'huge', 'string', 'missing', 'fraction', 'zero']) {
        const nonce = `b21-${variant}-${stream}`
        const result = await house.client.chat({ model: `usage-${variant}`, stream, nonce })
        assert.equal(result.status, 200, variant)
        assert.deepEqual(await violations(house.evidence), [], variant)
        const row = readLedger(house.gateway.databasePath).requests.find((each) => each.clientRequestId === nonce)
        assert.equal(row?.usageSource, variant === 'zero' ? 'reported' : 'estimated', variant)
        if (variant === 'zero') assert.equal(row?.tokens, 0)
        else assert.ok(row && row.tokens > 0 && row.tokens < 100_000, `${variant} was charged as ${row?.tokens}`)
        const now = (await budget(house)).used
        assert.ok(now >= used, `${variant} lowered the budget from ${used} to ${now}`)
        used = now
      }
    }
  } finally {
    await house.close()
  }
})

test('B25 a kill with many streams open leaves each of them settled, none for free', {
  timeout: scaledTime(60_000),
}, async () => {
  const house = await House.build({ models: MODELS, key: BIG, more: { workers: 2 } })
  try {
    const count = scaled(50)
    const calls = Array.from({ length: count }, () => house.client.start({ model: 'barrier-mid', stream: true }))
    await eventually(() => calls.every((call) => call.received().split('data: ').length > 3), { deadlineMs: 30_000 })
    const { reserved } = await budget(house)
    await house.gateway.kill9()
    await Promise.all(calls.map((call) => call.result))
    await house.gateway.restart()
    assert.deepEqual(await violations(house.evidence), [])
    const rows = readLedger(house.gateway.databasePath).requests
    assert.equal(rows.length, count)
    for (const row of rows) assert.deepEqual([row.outcome, row.usageSource], ['lost', 'reserved'])
    assert.equal((await budget(house)).used, reserved, 'what was reserved is spent')
  } finally {
    await house.close()
  }
})

test('B28 a rate limit is 429 with Retry-After, and a request after that time is served', async () => {
  const house = await House.build({ models: MODELS, key: { limits: { requests_per_minute: 120, burst: 3 } } })
  try {
    const results = await Promise.all(Array.from({ length: 10 }, () => house.client.chat()))
    const refused = results.filter((result) => result.status === 429)
    assert.equal(results.filter((result) => result.status === 200).length, 3)
    assert.equal(refused.length, 7)
    for (const result of refused) {
      assert.equal(errorCode(result.json), 'rate_limit_exceeded')
      assert.ok(Number(result.headers['retry-after']) >= 1, `Retry-After: ${result.headers['retry-after']}`)
    }
    assert.equal(house.wall.requests.length, 3)
    const seconds = Number(refused[0]?.headers['retry-after'])
    const end = performance.now() + seconds * 1_000
    await eventually(() => performance.now() >= end, { deadlineMs: 30_000, everyMs: 50 })
    assert.equal((await house.client.chat()).status, 200)
    assert.deepEqual(await violations(house.evidence), [])
  } finally {
    await house.close()
  }
})
