import assert from 'node:assert/strict'
import { after, afterEach, before } from 'node:test'
import { type Asked, type AskOptions, ask, keptConnections } from '../harness/ask.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import type { JsonObject } from '../harness/json.ts'
import { Origin } from '../harness/origin.ts'
import { RawClient } from '../harness/raw-client.ts'
import { openDescriptors } from './house.ts'

export interface ProxyHouseOptions {
  readonly workers?: number
  /** How many servers are behind the gateway. */
  readonly origins?: number
  /** Of the pool `pool`, whose targets are all origins. */
  readonly pool?: JsonObject
  /** Given the first origin's URL; by default every path goes to `pool`. */
  readonly routes?: (urls: readonly string[]) => readonly JsonObject[]
  /** Members of the default route. */
  readonly route?: JsonObject
  readonly upstreams?: (urls: readonly string[]) => JsonObject
  readonly more?: JsonObject
}

/** A gateway that knows nothing but routes, with plain web servers behind it. */
export class ProxyHouse {
  readonly gateway: Gateway
  readonly origins: readonly Origin[]
  readonly agent = keptConnections()
  readonly #options: ProxyHouseOptions

  private constructor(gateway: Gateway, origins: readonly Origin[], options: ProxyHouseOptions) {
    this.gateway = gateway
    this.origins = origins
    this.#options = options
  }

  static async build(options: ProxyHouseOptions = {}): Promise<ProxyHouse> {
    const names = Array.from({ length: options.origins ?? 1 }, (_, at) => `origin-${at}`)
    const origins = await Promise.all(names.map((name) => Origin.start(name)))
    try {
      const gateway = await Gateway.start({ config: configOf(origins, options) })
      return new ProxyHouse(gateway, origins, options)
    } catch (error) {
      await Promise.all(origins.map((origin) => origin.close()))
      throw error
    }
  }

  /** The first server. */
  get origin(): Origin {
    return this.origins[0] ?? assert.fail('there is no origin')
  }

  /** The configuration with other options over those that the house was built with. */
  config(changes: ProxyHouseOptions = {}): JsonObject {
    return configOf(this.origins, { ...this.#options, ...changes })
  }

  ask(path: string, options: AskOptions = {}): Promise<Asked> {
    return ask(`${this.gateway.url}${path}`, { agent: this.agent, ...options })
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.gateway.url)
  }

  /** Fails unless the gateway is the same living process, without an error of its own in its log. */
  assertUnharmed(): void {
    assert.equal(this.gateway.alive, true, `the gateway ended\n${this.gateway.stderr.text}`)
    const own = /unhandledRejection|uncaughtException|worker (?:died|exited|was replaced)|failed inside the gateway/i
    assert.doesNotMatch(this.gateway.stderr.text, own)
  }

  async close(): Promise<void> {
    this.agent.destroy()
    await this.gateway.close()
    await Promise.all(this.origins.map((origin) => origin.close()))
  }
}

function configOf(origins: readonly Origin[], options: ProxyHouseOptions): JsonObject {
  const urls = origins.map(({ url }) => url)
  const { workers = 1, pool = {}, route = {}, routes, upstreams, more = {} } = options
  return {
    listen: '127.0.0.1:0',
    control: { listen: '127.0.0.1:0' },
    workers,
    upstreams: { pool: { targets: urls, ...pool }, ...upstreams?.(urls) },
    routes: routes?.(urls) ?? [{ id: 'all', match: { path: '/**' }, upstream: 'pool', ...route }],
    ...more,
  }
}

/** Registers hooks that build one house for all tests of the file; at its end no descriptor may be left over. */
export function useProxyHouse(options: ProxyHouseOptions = {}): () => ProxyHouse {
  let house: ProxyHouse | null = null
  let descriptors = 0
  before(async () => {
    house = await ProxyHouse.build(options)
    await house.ask('/warm')
    descriptors = openDescriptors(house.gateway.pid)
  })
  afterEach(() => house?.assertUnharmed())
  after(async () => {
    if (house === null) return
    const { pid } = house.gateway
    house.agent.destroy()
    // Connections to the servers are kept for the next request: they end with the servers.
    await Promise.all(house.origins.map((origin) => origin.close()))
    try {
      await eventually(() => openDescriptors(pid) <= descriptors + 5, { what: 'the descriptors to be given back' })
    } finally {
      await house.close()
    }
  })
  return () => house ?? assert.fail('the house is built by a hook: use it inside tests')
}
