/* A row about the store of shared counters as three gateways have it: a copy that lacks what was written last. */
import assert from 'node:assert/strict'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { RedisProcess } from '../../cluster/redis-process.ts'
import { countersOf } from '../../exact/books.ts'
import { ChatClient, errorCode } from '../../harness/client.ts'
import { baseConfig, keyPair, type TestKey } from '../../harness/config.ts'
import { eventually } from '../../harness/eventually.ts'
import { Gateway } from '../../harness/gateway.ts'
import { Wall } from '../../harness/wall/wall.ts'
import { findServer } from '../../servers/servers.ts'

/** Of one answer of the wall. */
const TOKENS_EACH = 11
const LIMIT = 2_000
const spender = keyPair('spender')
const skip = findServer('redis') === null ? 'there is no redis-server' : false

/** Three gateways behind one address of a store. */
class Fleet {
  readonly gateways: readonly Gateway[]
  readonly #wall: Wall
  readonly #clients: readonly ChatClient[]

  private constructor(gateways: readonly Gateway[], wall: Wall) {
    this.gateways = gateways
    this.#wall = wall
    this.#clients = gateways.map((gateway) => new ChatClient(() => gateway.url, spender.secret))
  }

  static async start(t: TestContext, port: number): Promise<Fleet> {
    const wall = await Wall.start()
    const config = baseConfig({
      wallUrl: wall.url,
      keys: [{ key: spender, budgets: [{ tokens: LIMIT, per: 'total' }] }],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration
      more: { cluster: { counters: '${COUNTERS}' } },
    })
    const env = { COUNTERS: `redis://127.0.0.1:${port}` }
    const gateways = await Promise.all([0, 1, 2].map(async () => await Gateway.start({ config, env })))
    const fleet = new Fleet(gateways, wall)
    t.after(async () => await fleet.close())
    return fleet
  }

  /** Asks each as often as the others; what came of each request. */
  async ask(count: number, { secret }: TestKey): Promise<string[]> {
    const calls = Array.from({ length: count }, async (_, at) => {
      const client = this.#clients[at % this.#clients.length] as ChatClient // there are three
      const { status, json } = await client.chat({ secret, body: { max_tokens: 8 } })
      const code = errorCode(json)
      return typeof code === 'string' ? code : `${status}`
    })
    return await Promise.all(calls)
  }

  /** Asks until nothing fits any more; answers how many were served. */
  async useUp(key: TestKey): Promise<number> {
    let served = 0
    for (let full = 0; full < 3; ) {
      const told = await this.ask(12, key)
      const more = told.filter((each) => each === '200').length
      served += more
      // A store that was just lost is asked again.
      full = more === 0 && told.every((each) => each === 'insufficient_quota') ? full + 1 : 0
    }
    return served
  }

  ledgerSum(counter: string): number {
    return this.gateways.reduce((sum, gateway) => {
      using database = gateway.db()
      const row = database.prepare('SELECT sum(spent) AS spent FROM counter_sums WHERE counter = ?').get(counter)
      return sum + Number(row?.['spent'] ?? 0)
    }, 0)
  }

  async agrees(port: number, key: TestKey, served: number): Promise<void> {
    const counter = `key:${key.id}:tokens:total`
    await eventually(() => this.ledgerSum(counter) === served * TOKENS_EACH, { what: 'the ledgers to have all' })
    await eventually(async () => (await storeSum(port, `${counter}:0`)) === served * TOKENS_EACH, {
      what: 'the store to be the ledgers',
      deadlineMs: 60_000,
    })
    for (const gateway of this.gateways) {
      const wrong = (await countersOf(gateway)).filter(({ agrees }) => agrees !== true)
      assert.deepEqual(wrong, [])
    }
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close()
    await Promise.all(this.gateways.map(async (gateway) => await gateway.close()))
    await this.#wall.close()
  }
}

async function storeSum(port: number, counter: string): Promise<number> {
  const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: 0 })
  try {
    const epoch = await client.hget('ferro:{main}:meta', 'epoch')
    return Number(await client.hget(`ferro:{main}:${epoch}:${counter}`, '#'))
  } finally {
    client.disconnect()
  }
}

/** Passes connections on to a port that may change. */
class Address {
  target: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(target: number) {
    this.target = target
    this.#server = createServer((client) => {
      const server = connect(this.target, '127.0.0.1')
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from)
        from.pipe(to)
        from.on('error', () => to.destroy())
        from.on('close', () => {
          this.#sockets.delete(from)
          to.destroy()
        })
      }
    })
  }

  static async start(target: number): Promise<Address> {
    const address = new Address(target)
    await new Promise<void>((resolve) => address.#server.listen(0, '127.0.0.1', resolve))
    return address
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

test('B16 a copy of the store that lacks the last writes is promoted under load: nothing goes beyond the limit, and the books agree within a minute', {
  skip,
  timeout: 240_000,
}, async (t) => {
  const primary = await RedisProcess.start()
  const copy = await RedisProcess.start(['--port', 'PORT', '--replicaof', '127.0.0.1', `${primary.port}`])
  const address = await Address.start(primary.port)
  const fleet = await Fleet.start(t, address.port)
  t.after(async () => {
    await address.close()
    await Promise.all([primary.close(), copy.close()])
  })
  const key = spender
  let served = (await fleet.ask(24, key)).filter((each) => each === '200').length
  assert.ok(served > 0)
  const onCopy = new Redis(copy.port, '127.0.0.1', { maxRetriesPerRequest: 0 })
  t.after(() => onCopy.disconnect())
  await eventually(async () => /master_link_status:up/.test(await onCopy.info('replication')))
  await delay(200)
  // From here on the copy hears nothing, and then the primary is gone.
  copy.freeze()
  served += (await fleet.ask(36, key)).filter((each) => each === '200').length
  let running = true
  const load = Array.from({ length: 6 }, async () => {
    while (running) {
      const [told] = await fleet.ask(1, key)
      if (told === '200') served++
      else await delay(20)
    }
  })
  await delay(300)
  await primary.kill()
  const lostAtMs = performance.now()
  copy.thaw()
  await onCopy.call('REPLICAOF', 'NO', 'ONE')
  address.target = copy.port
  await delay(2_000)
  running = false
  await Promise.all(load)
  served += await fleet.useUp(key)
  const spent = served * TOKENS_EACH
  assert.ok(spent <= LIMIT && spent > LIMIT - 400, `${spent} of ${LIMIT}`)
  await fleet.agrees(copy.port, key, served)
  t.diagnostic(
    `${spent} of ${LIMIT} used, overshoot 0, in agreement ${Math.round(performance.now() - lostAtMs)} ms after the loss`,
  )
})
