import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, afterEach, before } from 'node:test'
import { ChatClient } from '../harness/client.ts'
import { baseConfig, type ConfigOptions, keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway, type GatewayOptions } from '../harness/gateway.ts'
import type { JsonObject } from '../harness/json.ts'
import { exchangeRaw, type RawClient } from '../harness/raw-client.ts'
import { Wall } from '../harness/wall/wall.ts'

/** How a house is built: the configuration's parts, and how the gateway in it is started. */
export interface HouseOptions extends Partial<Omit<ConfigOptions, 'wallUrl' | 'keys'>> {
  /** Members of the main key's entry, e.g. budgets. */
  readonly key?: JsonObject
  readonly otherKeys?: ConfigOptions['keys']
  readonly gateway?: Partial<GatewayOptions>
}

/** A gateway with the wall behind it and one client with a key in front of it. */
export class House {
  readonly wall: Wall
  readonly gateway: Gateway
  readonly key: TestKey
  readonly client: ChatClient

  private constructor(wall: Wall, gateway: Gateway, key: TestKey) {
    this.wall = wall
    this.gateway = gateway
    this.key = key
    this.client = this.newClient(key)
  }

  /** Builds and starts everything; the caller ends it with {@link close}. */
  static async build(options: HouseOptions = {}): Promise<House> {
    const { key: keyMembers = {}, otherKeys = [], gateway: gatewayOptions = {}, ...parts } = options
    const wall = await Wall.start()
    const key = keyPair()
    const config = baseConfig({ wallUrl: wall.url, keys: [{ key, ...keyMembers }, ...otherKeys], ...parts })
    try {
      return new House(wall, await Gateway.start({ config, ...gatewayOptions }), key)
    } catch (error) {
      await wall.close()
      throw error
    }
  }

  /** One more client of this gateway. */
  newClient(key: TestKey): ChatClient {
    return new ChatClient(() => this.gateway.url, key.secret)
  }

  /** What the checker needs to compare everything. */
  get evidence() {
    const metrics = () => this.gateway.metrics()
    return { databasePath: this.gateway.databasePath, wall: this.wall, clients: [this.client], metrics }
  }

  /** Bytes of a chat request with a key, exact to the byte; `head` lines come after the usual ones. */
  chatBytes(
    body: JsonObject | string,
    { head = [], key = this.key.secret }: { head?: readonly string[]; key?: string | null } = {},
  ) {
    const json = typeof body === 'string' ? body : JSON.stringify(body)
    const lines = ['POST /v1/chat/completions HTTP/1.1', 'Host: gateway', 'Content-Type: application/json']
    const credential = key === null ? [] : [`Authorization: Bearer ${key}`]
    const all = [...lines, ...credential, `Content-Length: ${Buffer.byteLength(json)}`, ...head]
    return `${all.join('\r\n')}\r\n\r\n${json}`
  }

  /** A GET that is right in every way: what a smuggled request would be. */
  modelsBytes(): string {
    return `GET /v1/models HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${this.key.secret}\r\n\r\n`
  }

  /** Fails unless the gateway is the same living process, healthy, without an unhandled error in its log. */
  async assertUnharmed(): Promise<void> {
    assert.equal(this.gateway.alive, true, `the gateway ended\n${this.gateway.stderr.text}`)
    const health = await fetch(`${this.gateway.controlUrl}/healthz`, { signal: AbortSignal.timeout(5_000) })
    await health.arrayBuffer()
    assert.equal(health.status, 200)
    assert.doesNotMatch(
      this.gateway.stderr.text,
      /unhandledRejection|uncaughtException|worker (?:died|exited|was replaced)/i,
    )
  }

  /** Ends what was started. */
  async close(): Promise<void> {
    this.client.close()
    await this.gateway.close()
    await this.wall.close()
  }
}

/** Number of open descriptors of a process. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) * 1_024
}

/**
 * Registers hooks that build one house for all tests of the file, prepare it, and close it. Unlike with `useHouse`, tests may do to
 * its gateway what they like.
 */
export function shareHouse(
  options: HouseOptions,
  prepare: (house: House) => Promise<unknown> = async () => undefined,
): () => House {
  let house: House | null = null
  before(async () => {
    house = await House.build(options)
    await prepare(house)
  })
  after(async () => {
    await house?.close()
  })
  return () => house ?? assert.fail('the house is built by a hook')
}

/**
 * Registers hooks that build one house for all tests of the file. After each test the gateway must be unharmed; at the
 * end its descriptors must be back where they were, give or take five.
 */
export function useHouse(options: HouseOptions = {}): () => House {
  let house: House | null = null
  let pid = 0
  let descriptors = 0
  before(async () => {
    house = await House.build(options)
    pid = house.gateway.pid
    // The first requests open the pools and files that stay open.
    await house.client.chat()
    await house.client.chat({ stream: true })
    descriptors = openDescriptors(pid)
  })
  afterEach(async () => {
    await house?.assertUnharmed()
    assert.equal(house?.gateway.pid, pid)
  })
  after(async () => {
    if (house === null) return
    house.client.close()
    // Connections to the upstream are kept for the next request: they are no leak, and end with it.
    await house.wall.close()
    try {
      await eventually(() => openDescriptors(pid) <= descriptors + 5, { what: 'the descriptors to be given back' })
    } finally {
      await house.close()
    }
  })
  return () => {
    if (house === null) throw new Error('the house is built by a hook: use it inside tests')
    return house
  }
}

/** What the sockets on a way, two of each side, may hold at most: the more a connection carries, the more Linux lets them. */
export function socketBuffersMib(): number {
  return ['tcp_rmem', 'tcp_wmem']
    .map((name) => Number(readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8').split(/\s+/)[2]) / 1_048_576)
    .reduce((sum, each) => sum + 2 * each, 0)
}

const SCALE = Number(process.env.FERRO_TEST_SCALE ?? '1')

/** `count` times FERRO_TEST_SCALE (default 1), at least one: how often a loop runs. */
export function scaled(count: number): number {
  return Math.max(1, Math.round(count * SCALE))
}

/** The patience with a test whose loops are scaled, in milliseconds. */
export function scaledTime(ms: number): number {
  return ms * Math.max(1, SCALE)
}

/**
 * Sends the bytes and a pipelined request behind them, and asserts a clean refusal: one answer with one of the
 * statuses, `Connection: close` (but of a 401), the connection closed, nothing at the wall, no answer to the second request.
 */
export async function assertRefusedCleanly(
  house: House,
  bytes: string,
  { statuses = [400], pipelined = house.modelsBytes() }: { statuses?: readonly number[]; pipelined?: string } = {},
): Promise<RawClient> {
  const name = JSON.stringify(bytes.slice(0, 300).replaceAll(house.key.secret, '<key>'))
  const seen = house.wall.requests.length
  const client = await exchangeRaw(house.gateway.url, bytes + pipelined)
  const responses = client.responses()
  assert.equal(responses.length, 1, `${responses.length} answers to ${name}\n${client.received.toString('latin1')}`)
  const [response] = responses
  assert.ok(statuses.includes(response?.status ?? 0), `status ${response?.status} for ${name}`)
  // Whoever is nobody is told so before the body is read: what is wrong with that can only end the connection.
  if (response?.status !== 401) {
    assert.equal(response?.header('connection')?.toLowerCase(), 'close', `no Connection: close for ${name}`)
  }
  assert.notEqual(client.closeKind, 'open', `the connection stays open after ${name}`)
  assert.equal(house.wall.requests.length, seen, `the wall was reached by ${name}`)
  return client
}
