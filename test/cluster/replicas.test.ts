import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { type ChatCall, ChatClient, errorCode } from '../harness/client.ts'
import { baseConfig, keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { findSamples } from '../harness/metrics.ts'
import { Wall } from '../harness/wall/wall.ts'
import { serverSuite } from '../servers/servers.ts'
import { RedisProcess } from './redis-process.ts'

/** What is promised to clients is half a second; the rest is for a crowded machine. */
const CLOSED_WITHIN_MS = 500 + 500

const daily = keyPair('daily')
const spender = keyPair('spender')
const busy = keyPair('busy')
const crashing = keyPair('crashing')
const steady = keyPair('steady')
const free = keyPair('free')

const KEYS = [
  { key: daily, limits: { requests_per_day: 30 } },
  { key: spender, team: 'spenders' },
  { key: busy, limits: { concurrency: 10 } },
  { key: crashing, budgets: [{ tokens: 4_000, per: 'total' }] },
  { key: steady, limits: { requests_per_minute: 10_000 } },
  free,
]

let redis: RedisProcess
let wall: Wall
let gateways: Gateway[] = []
let clients: ChatClient[] = []

/** Asks one replica after the other. */
function start(count: number, key: TestKey, request: { model?: string; max?: number } = {}): ChatCall[] {
  const { model = 'ok', max = 8 } = request
  return Array.from({ length: count }, (_, at) => {
    const client = clients[at % clients.length] as ChatClient // there are three
    return client.start({ model, secret: key.secret, body: { max_tokens: max } })
  })
}

async function ask(count: number, key: TestKey): Promise<{ statuses: number[]; codes: Set<unknown> }> {
  const results = await Promise.all(start(count, key).map(async ({ result }) => await result))
  const refused = results.filter(({ status }) => status !== 200)
  return {
    statuses: results.map(({ status }) => status ?? 0),
    codes: new Set(refused.map(({ json }) => errorCode(json))),
  }
}

function passed({ statuses }: { statuses: readonly number[] }): number {
  return statuses.filter((status) => status === 200).length
}

/** What the ledgers of all replicas have for a counter. */
function ledgerSum(counter: string): number {
  let sum = 0
  for (const gateway of gateways) {
    using database = gateway.db()
    const row = database.prepare('SELECT sum(spent) AS spent FROM counter_sums WHERE counter = ?').get(counter)
    sum += Number(row?.['spent'] ?? 0)
  }
  return sum
}

async function storeSum(counter: string): Promise<number> {
  const client = new Redis(redis.port, '127.0.0.1', { maxRetriesPerRequest: 0 })
  try {
    const epoch = await client.hget('ferro:{main}:meta', 'epoch')
    return Number(await client.hget(`ferro:{main}:${epoch}:${counter}`, '#'))
  } finally {
    client.disconnect()
  }
}

async function readiness(gateway: Gateway): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${gateway.controlUrl}/readyz`)
  return { status: answer.status, text: await answer.text() }
}

async function allReady(): Promise<void> {
  await eventually(async () => (await Promise.all(gateways.map(readiness))).every(({ status }) => status === 200), {
    what: 'all replicas to be ready',
  })
}

serverSuite('redis', 'three gateways that share limits', () => {
  before(async () => {
    ;[redis, wall] = await Promise.all([RedisProcess.start(), Wall.start()])
    const config = baseConfig({
      wallUrl: wall.url,
      keys: KEYS,
      models: ['ok', 'barrier'],
      more: {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration
        cluster: { counters: '${COUNTERS}' },
        teams: [{ id: 'spenders', budgets: [{ tokens: 3_000, per: 'day' }] }],
      },
    })
    const env = { COUNTERS: redis.url }
    gateways = await Promise.all([0, 1, 2].map(async () => await Gateway.start({ config, env })))
    clients = gateways.map((gateway) => new ChatClient(() => gateway.url, free.secret))
  })
  after(async () => {
    if (process.env.DEBUG_CLUSTER)
      for (const gateway of gateways) process.stderr.write(`=====\n${gateway.stderr.text}\n`)
    for (const client of clients) client.close()
    await Promise.all(gateways.map(async (gateway) => await gateway.close()))
    await wall?.close()
    await redis?.close()
  })

  test('a rate is that of all of them', async () => {
    const answers = await ask(150, daily)
    assert.equal(passed(answers), 30)
    assert.deepEqual(answers.codes, new Set(['rate_limit_exceeded']))
  })

  test('a budget of a team is never passed, what requests leave over can be used, and the ledgers say the same', async () => {
    let served = 0
    let most = 0
    for (let turn = 0; turn < 40; turn++) {
      const answers = await ask(15, spender)
      served += passed(answers)
      most = Math.max(most, await storeSum(`team:spenders:tokens:day:${Math.floor(Date.now() / 86_400_000)}`))
      if (passed(answers) === 0) break
    }
    assert.ok(most <= 3_000, `${most} of 3000 tokens`)
    const spent = served * 11
    await eventually(() => ledgerSum('team:spenders:tokens:day') === spent, { what: 'the ledgers to have all' })
    const counter = `team:spenders:tokens:day:${Math.floor(Date.now() / 86_400_000)}`
    await eventually(async () => (await storeSum(counter)) === spent, { what: 'the shared counter to be the ledgers' })
    // Reserved is more than used: as long as that fits, a request is served.
    assert.ok(spent > 2_700, `${spent} of 3000 tokens were used in the end`)
  })

  test('places in flight are those of all of them', async () => {
    const before = wall.requests.length
    const calls = start(24, busy, { model: 'barrier' })
    const refused = await Promise.all(
      calls.map(async ({ head, result }) => {
        await Promise.race([
          head,
          eventually(() => wall.requests.length >= before + 10, { what: 'ten at the upstream' }),
        ])
        return await Promise.race([result, new Promise<null>((resolve) => setTimeout(resolve, 1_500, null))])
      }),
    )
    assert.equal(refused.filter((result) => result?.status === 429).length, 14)
    wall.release()
    const all = await Promise.all(calls.map(async ({ result }) => await result))
    assert.equal(all.filter(({ status }) => status === 200).length, 10)
  })

  test('B11 B12 a store that does not answer closes what has limits, within half a second, and nothing else', async () => {
    assert.equal(passed(await ask(9, steady)), 9)
    redis.freeze()
    const began = performance.now()
    let slowest = 0
    await eventually(
      async () => {
        const asked = performance.now()
        const { codes } = await ask(3, steady)
        slowest = Math.max(slowest, performance.now() - asked)
        return codes.has('governance_backend_unavailable')
      },
      { what: 'a refusal' },
    )
    assert.ok(performance.now() - began < CLOSED_WITHIN_MS + 500, 'it closes soon')
    assert.ok(slowest < CLOSED_WITHIN_MS, `the slowest answer took ${slowest} ms`)
    const [call] = start(1, daily)
    const refusal = await call?.result
    assert.deepEqual([refusal?.status, refusal?.headers['retry-after']], [503, '1'])
    assert.equal(passed(await ask(6, free)), 6)
    for (const gateway of gateways) {
      await eventually(async () => /counter_store/.test((await readiness(gateway)).text), { what: 'the reason' })
      const up = findSamples(await gateway.metrics(), 'ferro_cluster_counters_available', {})
      assert.deepEqual(
        up.map(({ value }) => value),
        [0],
      )
    }
    redis.thaw()
    await allReady()
    assert.equal(passed(await ask(9, steady)), 9)
    for (const gateway of gateways) {
      const lines = gateway.stderr.text.split('the shared counters cannot be used').length - 1
      assert.ok(lines <= 2, `said ${lines} times in the log`)
    }
  })

  test('a store and a replica that are killed under load let nothing through twice', async () => {
    let served = 0
    const rounds = async (count: number) => {
      for (let turn = 0; turn < count; turn++) served += passed(await ask(12, crashing))
    }
    await rounds(3)
    const load = rounds(8)
    await redis.kill()
    await redis.restart()
    await load
    await allReady()
    const [victim] = gateways as [Gateway]
    const dying = rounds(2)
    victim.signal('SIGKILL')
    await victim.exited
    await dying
    await victim.restart()
    await allReady()
    for (let turn = 0; turn < 60; turn++) {
      const before = served
      await rounds(1)
      if (served === before) break
    }
    const counter = 'key:crashing:tokens:total'
    // What the victim had reserved when it died counts as used.
    await eventually(async () => (await storeSum(`${counter}:0`)) === ledgerSum(counter), {
      what: 'the shared counter to be the ledgers',
    })
    const spent = ledgerSum(counter)
    assert.ok(spent >= served * 11 && spent <= 4_000, `${spent} of 4000 tokens, ${served} served`)
    assert.ok(spent > 3_700, `${spent} of 4000 tokens were used in the end`)
  })
})
