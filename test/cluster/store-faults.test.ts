import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { scaled, scaledTime } from '../e2e/house.ts'
import { eventually } from '../harness/eventually.ts'
import { FaultProxy } from '../harness/fault-proxy.ts'
import { serverSuite } from '../servers/servers.ts'
import { RedisProcess } from './redis-process.ts'
import { Replica, takings } from './replica.ts'

/*
 * A store that is slow, comes and goes, or is another one than before: seen by three replicas of which each has its own memory.
 */

const EACH = 5
/** What is promised is half a second; the rest is for a crowded machine. */
const CLOSED_WITHIN_MS = 500 + 500

async function openReplicas(url: string, cluster: string): Promise<Replica[]> {
  const replicas = await Promise.all(
    [0, 1, 2].map(async (at) => await Replica.start({ url, name: `replica-${at}`, cluster })),
  )
  for (const replica of replicas) replica.begin()
  await allOpen(replicas)
  return replicas
}

async function allOpen(replicas: readonly Replica[]): Promise<void> {
  await eventually(() => replicas.every(({ isOpen }) => isOpen), { what: 'open replicas', deadlineMs: 30_000 })
}

/** Asks replicas in turn for the same budget, and counts what came of it. */
class Askers {
  readonly counts = { taken: 0, refused: 0, unavailable: 0 }
  slowestMs = 0
  readonly #replicas: readonly Replica[]
  readonly #takings: readonly ReturnType<typeof takings>[]

  constructor(replicas: readonly Replica[], counter: string, limit: number) {
    this.#replicas = replicas
    this.#takings = replicas.map((replica) => takings({ budgets: [replica.budget(counter, limit)] }, EACH))
  }

  async ask(at: number): Promise<string> {
    const own = at % this.#replicas.length
    const [replica, taking] = [this.#replicas[own], this.#takings[own]]
    if (replica === undefined || taking === undefined) throw new Error('there are three')
    const began = performance.now()
    const code = (await replica.take(taking))?.error.code ?? 'taken'
    this.slowestMs = Math.max(this.slowestMs, performance.now() - began)
    if (code === 'taken') this.counts.taken++
    else if (code === 'budget_exceeded') this.counts.refused++
    else this.counts.unavailable++
    return code
  }

  async many(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, async (_, at) => await this.ask(at)))
  }

  /** Until nothing is left: what one has borrowed and does not use comes to the others. */
  async useUp(): Promise<void> {
    for (let quiet = 0; quiet < 20; ) {
      const { taken } = this.counts
      await this.many(3)
      quiet = this.counts.taken > taken ? 0 : quiet + 1
      if (quiet > 0) await delay(50)
    }
  }
}

async function sumIn(port: number, cluster: string, counter: string): Promise<number> {
  const client = new Redis(port, '127.0.0.1')
  try {
    const epoch = await client.hget(`ferro:{${cluster}}:meta`, 'epoch')
    return Number(await client.hget(`ferro:{${cluster}}:${epoch}:${counter}`, '#'))
  } finally {
    client.disconnect()
  }
}

/** A way to a server that may be another one later: connections to the one before are cut. */
class Switch {
  port: number
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  private constructor(port: number) {
    this.port = port
    this.#server = createServer((client) => {
      const server = connect(this.port, '127.0.0.1')
      for (const socket of [client, server]) {
        this.#sockets.add(socket)
        socket.on('error', () => undefined)
        socket.on('close', () => this.#sockets.delete(socket))
      }
      client.on('close', () => server.destroy())
      server.on('close', () => client.destroy())
      client.pipe(server).pipe(client)
    })
  }

  static async start(port: number): Promise<Switch> {
    const own = new Switch(port)
    await new Promise<void>((resolve) => own.#server.listen(0, '127.0.0.1', resolve))
    return own
  }

  get url(): string {
    return `redis://127.0.0.1:${own(this.#server).port}`
  }

  to(port: number): void {
    this.port = port
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

function own(server: Server): AddressInfo {
  return server.address() as AddressInfo // of a server that listens on a port
}

serverSuite('redis', 'a store with faults', () => {
  test('B13 answers that are late but in time count once, and those that are too late let nobody through or wait', {
    timeout: 120_000,
  }, async () => {
    const redis = await RedisProcess.start()
    const proxy = await FaultProxy.start(redis.port)
    const replicas = await openReplicas(`redis://127.0.0.1:${proxy.port}`, 'late')
    try {
      // There and back: 100 ms, and 240 ms.
      for (const [at, oneWayMs] of [50, 120].entries()) {
        proxy.delay(oneWayMs)
        await allOpen(replicas)
        const counter = `late-${at}`
        const askers = new Askers(replicas, counter, 500)
        await askers.many(60)
        await askers.useUp()
        assert.equal(askers.counts.taken, 100, JSON.stringify(askers.counts))
        await eventually(async () => (await sumIn(redis.port, 'late', `${counter}:0`)) === 500)
      }
      const askers = new Askers(replicas, 'too-late', 1_000_000)
      proxy.delay(1_000)
      await eventually(async () => (await askers.ask(0)) === 'governance_backend_unavailable', { deadlineMs: 20_000 })
      askers.slowestMs = 0
      for (let turn = 0; turn < 6; turn++) assert.equal(await askers.ask(turn), 'governance_backend_unavailable')
      assert.ok(askers.slowestMs <= CLOSED_WITHIN_MS, `${askers.slowestMs} ms`)
      proxy.delay(0)
      await allOpen(replicas)
      const passed = askers.counts.taken
      assert.equal(await askers.ask(1), 'taken')
      await eventually(async () => (await sumIn(redis.port, 'late', 'too-late:0')) === (passed + 1) * EACH, {
        what: 'nothing to be counted twice',
      })
    } finally {
      await Promise.all(replicas.map(async (replica) => await replica.close()))
      await proxy.close()
      await redis.close()
    }
  })

  test('B14 a store that comes and goes charges nothing that was refused, and nothing twice', {
    timeout: scaledTime(60_000),
  }, async (t) => {
    const redis = await RedisProcess.start()
    const proxy = await FaultProxy.start(redis.port)
    const replicas = await openReplicas(`redis://127.0.0.1:${proxy.port}`, 'flapping')
    try {
      const limit = 20_000
      const askers = new Askers(replicas, 'tokens', limit)
      let running = true
      const load = Array.from({ length: 12 }, async (_, at) => {
        while (running) {
          await askers.ask(at)
          await delay(5)
        }
      })
      for (let turn = 0; turn < scaled(3); turn++) {
        await delay(1_000)
        // By turns it says nothing, and is not there at all.
        if (turn % 2 === 0) proxy.freeze()
        else proxy.setListening('refuse')
        if (turn % 2 === 1) proxy.resetAll()
        await delay(1_000)
        proxy.thaw()
        proxy.setListening('accept')
      }
      running = false
      await Promise.all(load)
      const { unavailable, taken } = askers.counts
      assert.ok(unavailable > 0 && taken > 0, JSON.stringify(askers.counts))
      assert.ok(askers.slowestMs <= CLOSED_WITHIN_MS, `${askers.slowestMs} ms`)
      await allOpen(replicas)
      await askers.useUp()
      t.diagnostic(
        `${JSON.stringify(askers.counts)} of ${limit / EACH}, the slowest took ${Math.round(askers.slowestMs)} ms`,
      )
      assert.equal(askers.counts.taken, limit / EACH)
      await eventually(async () => (await sumIn(redis.port, 'flapping', 'tokens:0')) === limit)
    } finally {
      await Promise.all(replicas.map(async (replica) => await replica.close()))
      await proxy.close()
      await redis.close()
    }
  })

  test('B16 a copy of the store that lacks the last writes is told what was spent, and no more is let through', {
    timeout: 120_000,
  }, async (t) => {
    const primary = await RedisProcess.start()
    const copy = await RedisProcess.start()
    const admin = new Redis(copy.port, '127.0.0.1')
    const way = await Switch.start(primary.port)
    let replicas: Replica[] = []
    try {
      await admin.replicaof('127.0.0.1', primary.port)
      await eventually(async () => /master_link_status:up/.test(await admin.info('replication')), {
        deadlineMs: 30_000,
      })
      replicas = await openReplicas(way.url, 'failover')
      const limit = 2_000
      const askers = new Askers(replicas, 'tokens', limit)
      await askers.many(90)
      await eventually(async () => (await sumIn(copy.port, 'failover', 'tokens:0')) >= askers.counts.taken * EACH)
      // From here on it hears nothing any more, and does not know.
      await admin.replicaof('NO', 'ONE')
      const known = await sumIn(copy.port, 'failover', 'tokens:0')
      await askers.many(150)
      const lost = (await sumIn(primary.port, 'failover', 'tokens:0')) - known
      assert.ok(lost > 0, 'the copy lacks something')
      await primary.kill()
      way.to(copy.port)
      await allOpen(replicas)
      await askers.useUp()
      t.diagnostic(`${lost} were lost; ${askers.counts.taken * EACH} of ${limit} were let through`)
      assert.equal(askers.counts.taken, limit / EACH)
      await eventually(async () => (await sumIn(copy.port, 'failover', 'tokens:0')) === limit)
    } finally {
      admin.disconnect()
      await Promise.all(replicas.map(async (replica) => await replica.close()))
      await way.close()
      await copy.close()
      await primary.close()
    }
  })
})
