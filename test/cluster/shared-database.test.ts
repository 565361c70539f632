import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { countersOf } from '../exact/books.ts'
import { type ChatCall, ChatClient } from '../harness/client.ts'
import { baseConfig, keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { isObject, parseJson } from '../harness/json.ts'
import { Wall } from '../harness/wall/wall.ts'
import { PrivatePostgres } from '../servers/private-postgres.ts'
import { serverSuite } from '../servers/servers.ts'
import { RedisProcess } from './redis-process.ts'

/** Of one answer of the wall. */
const TOKENS_EACH = 11

const daily = keyPair('daily')
const spender = keyPair('spender')
const total = keyPair('total')

const KEYS = [
  { key: daily, limits: { requests_per_day: 30 } },
  { key: spender, team: 'spenders' },
  { key: total, budgets: [{ tokens: 2_000, per: 'total' }] },
]

serverSuite('postgres', 'gateways that share a database and limits', () => {
  serverSuite('redis', 'with one counter store', () => {
    let redis: RedisProcess
    let postgres: PrivatePostgres
    let wall: Wall
    let gateways: Gateway[] = []
    let clients: ChatClient[] = []
    const launch = async () => {
      const config = baseConfig({
        wallUrl: wall.url,
        keys: KEYS,
        more: {
          // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration
          cluster: { counters: '${COUNTERS}' },
          storage: { url: postgres.url() },
          teams: [{ id: 'spenders', budgets: [{ tokens: 3_000, per: 'day' }] }],
        },
      })
      const env = {
        COUNTERS: redis.url,
        FERRO_PEPPER: 'pepper of gateways on one database',
        FERRO_CONTENT_KEY: 'content key of gateways on one database',
      }
      return await Gateway.start({ config, env })
    }
    before(async () => {
      ;[redis, postgres, wall] = await Promise.all([RedisProcess.start(), PrivatePostgres.start(), Wall.start()])
      gateways = await Promise.all([launch(), launch(), launch()])
      clients = gateways.map((gateway) => new ChatClient(() => gateway.url, daily.secret))
    })
    after(async () => {
      for (const client of clients) client.close()
      await Promise.all(gateways.map(async (gateway) => await gateway.close()))
      await wall?.close()
      await Promise.all([redis?.close(), postgres?.close()])
    })

    /** Asks one gateway after the other; answers how many were served. */
    async function serve(count: number, { secret }: TestKey): Promise<number> {
      const calls = Array.from({ length: count }, (_, at): ChatCall => {
        const client = clients[at % clients.length] as ChatClient // there is one
        return client.start({ model: 'ok', secret, body: { max_tokens: 8 } })
      })
      const results = await Promise.all(calls.map(async ({ result }) => await result))
      return results.filter(({ status }) => status === 200).length
    }

    async function serveAll(key: TestKey): Promise<number> {
      let served = 0
      for (let turn = 0; turn < 60; turn++) {
        const more = await serve(12, key)
        served += more
        if (more === 0) break
      }
      return served
    }

    async function ledgerSum(counter: string): Promise<number> {
      return Number(
        await postgres.psql(`SELECT coalesce(sum(spent), 0) FROM counter_sums WHERE counter = '${counter}'`),
      )
    }

    /** What the counter store has: all together, and what each replica holds. */
    async function storeHas(counter: string): Promise<{ sum: number; holders: number[] }> {
      const client = new Redis(redis.port, '127.0.0.1', { maxRetriesPerRequest: 0 })
      try {
        const epoch = await client.hget('ferro:{main}:meta', 'epoch')
        const fields = await client.hgetall(`ferro:{main}:${epoch}:${counter}`)
        const holders = Object.entries(fields).filter(([field]) => /^[0-9a-f]{24}$/.test(field))
        return {
          sum: Number(fields['#'] ?? 0),
          holders: holders.map(([, held]) => Number(held)).filter((held) => held > 0),
        }
      } finally {
        client.disconnect()
      }
    }

    async function admin(gateway: Gateway, method: string, path: string, body?: object) {
      const token = readFileSync(`${gateway.dataDir}/admin-token`, 'utf8').trim()
      const answer = await fetch(`${gateway.controlUrl}/admin/v1/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const value = parseJson(await answer.text())
      assert.ok(answer.ok && isObject(value), JSON.stringify(value))
      return value
    }

    async function knownTo(all: readonly Gateway[], secret: string, status: number): Promise<void> {
      await eventually(
        async () => {
          const answers = await Promise.all(
            all.map(
              async ({ url }) => await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } }),
            ),
          )
          return answers.every((answer) => answer.status === status)
        },
        { deadlineMs: 1_000, everyMs: 10, what: `${status} everywhere` },
      )
    }

    test('a rate is that of all of them', async () => {
      assert.equal(await serve(90, daily), 30)
    })

    test('a budget is never passed, and each gateway holds what its own entries come to', async () => {
      const served = await serveAll(spender)
      const [counter, day] = ['team:spenders:tokens:day', Math.floor(Date.now() / 86_400_000)]
      await eventually(async () => (await ledgerSum(counter)) === served * TOKENS_EACH, { what: 'one ledger of all' })
      await eventually(async () => (await storeHas(`${counter}:${day}`)).sum === served * TOKENS_EACH, {
        what: 'the shared counter to be the ledger',
      })
      assert.ok(served * TOKENS_EACH <= 3_000 && served * TOKENS_EACH > 2_700, `${served} were served`)
      const { holders } = await storeHas(`${counter}:${day}`)
      const shares = await postgres.psql(`SELECT spent FROM counter_shares WHERE counter = '${counter}' AND spent > 0`)
      assert.deepEqual(holders.sort(), shares.split('\n').map(Number).sort())
      for (const gateway of gateways) {
        const wrong = (await countersOf(gateway)).filter(({ agrees }) => agrees !== true)
        assert.deepEqual(wrong, [], 'shared memory is what the ledger says of this gateway')
      }
    })

    test('a key that is made, changed, rotated or revoked at one is known to all within a second, and its limits are of all', async () => {
      const [one, other] = gateways as [Gateway, Gateway]
      const made = await admin(one, 'POST', 'api-keys', { id: 'shared', budgets: [{ tokens: 400, per: 'day' }] })
      await knownTo(gateways, String(made['secret']), 200)
      const served = await serveAll({ id: 'shared', secret: String(made['secret']), hash: '' })
      assert.ok(served * TOKENS_EACH <= 400 && served > 20, `${served} were served`)
      await admin(other, 'PATCH', 'api-keys/shared', { enabled: false })
      await knownTo(gateways, String(made['secret']), 401)
      // A higher budget goes on with what all have spent, at each of them.
      await admin(one, 'PATCH', 'api-keys/shared', { enabled: true, budgets: [{ tokens: 800, per: 'day' }] })
      await knownTo(gateways, String(made['secret']), 200)
      const more = await serveAll({ id: 'shared', secret: String(made['secret']), hash: '' })
      assert.ok((served + more) * TOKENS_EACH <= 800 && more > 20, `${more} more were served`)
      const rotated = await admin(other, 'POST', 'api-keys/shared/rotate', {})
      await knownTo(gateways, String(rotated['secret']), 200)
      await admin(one, 'DELETE', 'api-keys/shared')
      await knownTo(gateways, String(rotated['secret']), 401)
    })

    test('a gateway without a past that finds the counters lost knows from the ledger what all have spent', async () => {
      let served = await serve(90, total)
      const counter = 'key:total:tokens:total'
      await eventually(async () => (await ledgerSum(counter)) === served * TOKENS_EACH, { what: 'one ledger of all' })
      await Promise.all(gateways.map(async (gateway) => await gateway.kill9()))
      await redis.kill()
      await redis.restart()
      const old = gateways
      gateways = [...old, await launch()]
      const [, , , fresh] = gateways as [Gateway, Gateway, Gateway, Gateway]
      for (const client of clients) client.close()
      clients = [new ChatClient(() => fresh.url, total.secret)]
      served += await serveAll(total)
      // Those that come back under their own data say again what they had spent, and no more.
      await old[0]?.restart()
      clients.push(new ChatClient(() => old[0]?.url ?? '', total.secret))
      served += await serveAll(total)
      assert.ok(served * TOKENS_EACH <= 2_000 && served * TOKENS_EACH > 1_700, `${served} were served`)
      await eventually(async () => (await ledgerSum(counter)) === served * TOKENS_EACH, { what: 'one ledger of all' })
      await eventually(async () => (await storeHas(`${counter}:0`)).sum === served * TOKENS_EACH, {
        what: 'the shared counter to be the ledger',
      })
    })
  })
})
