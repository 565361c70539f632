import { readFileSync } from 'node:fs'
import type { UpstreamConfig } from '../../config/index.ts'
import {
  ConnectionPool,
  closeTarget,
  type Destination,
  Http2Pool,
  isRefreshed,
  type PoolTarget,
  RefreshedTargets,
  type RefreshNews,
  type SharedState,
  statusSet,
  type TlsSettings,
  type Transport,
  targetIds,
  UpstreamPool,
  type UpstreamRequest,
} from '../../core/index.ts'
import type { EgressDoor } from './egress.ts'

/** A plan comes in force without the addresses of names that are not told by then. */
const FIRST_ADDRESSES_MS = 5_000
/** For connections that no request has its own time for: those of checks, which have a deadline of their own. */
const CONNECT_MS = 10_000

type Limits = Pick<ConstructorParameters<typeof ConnectionPool>[0], 'maxConnections' | 'maxWaiting'>

/** A check that was given up may still be there when the next one comes. */
const ONE_CHECK: Limits = { maxConnections: 2, maxWaiting: 1 }

/** The plan that a pool is for. */
export interface PoolPlan {
  readonly version: number
  readonly door: EgressDoor
}

export interface PoolsOptions {
  readonly shared: SharedState
  readonly now: () => number
  readonly onHealth: (pool: string, target: string, verdict: 'healthy' | 'unhealthy', reason: string | null) => void
  readonly onRefresh: (pool: string, news: RefreshNews) => void
}

type Health = NonNullable<UpstreamConfig['health']>

interface Held {
  readonly pool: UpstreamPool
  readonly refreshed: readonly RefreshedTargets[]
  /** The first answers, or failures, of all names are here. */
  readonly resolved: Promise<unknown>
  /** Version of the last plan that used it. */
  version: number
  /** Of the one before that; null for the first. */
  before: number | null
}

/** The pools of one worker: plans that follow each other share those whose configuration is the same. */
export class Pools {
  readonly #options: PoolsOptions
  readonly #held = new Map<string, Held>()
  /** Version of the plan in force. */
  #current = 0

  constructor(options: PoolsOptions) {
    this.#options = options
  }

  /** The pool for the plan of this version. Throws when a file that it names cannot be read. */
  pool(name: string, config: UpstreamConfig, plan: PoolPlan): UpstreamPool {
    const tls = readTls(config)
    const key = JSON.stringify([name, config, tls, plan.door.key])
    let held = this.#held.get(key)
    if (held === undefined) {
      held = this.#open(name, config, { tls, ...plan })
      this.#held.set(key, held)
    }
    if (held.version !== plan.version) held.before = held.version
    held.version = plan.version
    held.pool.watch()
    return held.pool
  }

  /** Resolves when every name of the pools has been asked for once, or that takes too long. */
  async resolved(): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, FIRST_ADDRESSES_MS)
    await Promise.race([Promise.all([...this.#held.values()].map(({ resolved }) => resolved)), late.promise])
    clearTimeout(timer)
  }

  /** Closes what only the plan of this version would have used, which is never in force. */
  discard(version: number): void {
    for (const [key, held] of this.#held) {
      if (held.version !== version) continue
      if (held.before !== null) {
        held.version = held.before
        if (held.version < this.#current) held.pool.unwatch()
      } else {
        this.#held.delete(key)
        void close(held)
      }
    }
  }

  /**
   * The plan of this version is in force: what it does not use serves the requests that older ones have, and is checked
   * no more, since the same servers have another check now, or none.
   */
  swap(version: number): void {
    this.#current = version
    for (const held of this.#held.values()) if (held.version < version) held.pool.unwatch()
  }

  /** Closes what only plans before this version have used: no request has one of them any more. */
  closeBefore(version: number): void {
    for (const [key, held] of this.#held) {
      if (held.version >= version) continue
      this.#held.delete(key)
      void close(held)
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held.values()].map(close))
    this.#held.clear()
  }

  #open(name: string, config: UpstreamConfig, plan: PoolPlan & { tls: TlsSettings }): Held {
    const { connector } = plan.door
    const { shared, now, onHealth, onRefresh } = this.#options
    const { balance, ejection, health } = config
    const connections = (origin: string, address: string | null, limits: Limits): Transport => {
      const options = {
        origin,
        connectTimeoutMs: CONNECT_MS,
        ...limits,
        connector,
        ...(address === null ? {} : { address }),
        ...(origin.startsWith('https:') ? { tls: plan.tls } : {}),
        ...(config.max_head === undefined ? {} : { maxHeadBytes: config.max_head }),
      }
      return config.http === '2' ? new Http2Pool(options) : new ConnectionPool(options)
    }
    const open = (origin: string, address: string | null) => {
      const limits = { maxConnections: config.max_connections, maxWaiting: config.max_pending }
      const transport = connections(origin, address, limits)
      if (health === undefined) return { transport }
      return { transport, probe: connections(withPort(origin, health.port), address, ONE_CHECK) }
    }
    const refreshed: RefreshedTargets[] = []
    const opened: UpstreamPool[] = []
    const ids = targetIds(config)
    const parts = config.targets.map(({ url, weight }, at): { readonly targets: readonly PoolTarget[] } => {
      const id = ids[at] ?? url
      if (!isRefreshed(config, id)) return { targets: [{ id, weight, ...open(id, null) }] }
      const made = new RefreshedTargets({
        pool: name,
        target: id,
        weight,
        refreshMs: config.dns_refresh ?? 0,
        shared,
        now,
        addresses: async () => await connector.addressesOf(destinationOf(id)),
        open: (address) => open(id, address),
        onChange: () => opened[0]?.replace(parts.flatMap(({ targets }) => targets)),
        onNews: (news) => onRefresh(name, news),
      })
      refreshed.push(made)
      return made
    })
    const pool = new UpstreamPool({
      name,
      targets: parts.flatMap(({ targets }) => targets),
      shared,
      now,
      policy: balance.policy,
      keySource: balance.by === undefined ? null : keySourceOf(balance.by),
      panicBelow: balance.panic_below === 'never' ? null : balance.panic_below,
      host: config.host,
      maxResponse: config.max_response ?? Number.POSITIVE_INFINITY,
      pendingMs: config.pending_timeout,
      maxRequests: config.max_requests ?? Number.POSITIVE_INFINITY,
      ejection:
        ejection.failures === 0
          ? null
          : {
              failures: ejection.failures,
              baseMs: ejection.base,
              maxMs: Math.max(ejection.base, ejection.max),
              maxShare: ejection.max_share,
              statuses: statusSet(ejection.on),
            },
      health:
        health === undefined
          ? null
          : {
              request: checkRequestOf(health, config.host),
              intervalMs: health.interval,
              timeoutMs: health.timeout,
              healthyThreshold: health.healthy,
              unhealthyThreshold: health.unhealthy,
              expected: { statuses: health.status, body: health.body === undefined ? null : Buffer.from(health.body) },
            },
      onHealth: (target, verdict, reason) => onHealth(name, target.id, verdict, reason),
    })
    opened.push(pool)
    const resolved = Promise.all(refreshed.map(async (each) => await each.start()))
    return { pool, refreshed, resolved, version: plan.version, before: null }
  }
}

async function close({ pool, refreshed }: Held): Promise<void> {
  pool.unwatch()
  for (const each of refreshed) each.close()
  await Promise.all(pool.members.targets.map(closeTarget))
}

/** The origin at which a server says how it is. */
function withPort(origin: string, port: number | undefined): string {
  if (port === undefined || origin.startsWith('unix:')) return origin
  const url = new URL(origin)
  url.port = String(port)
  return url.origin
}

function checkRequestOf({ method, path, host, headers }: Health, poolHost: string): UpstreamRequest {
  const named = host ?? (poolHost === 'target' || poolHost === 'client' ? null : poolHost)
  const own = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value])
  const agent = own.includes('user-agent') ? [] : ['user-agent', 'ferro-health']
  return { method, path, host: named, headers: [...agent, ...own], body: null }
}

/** Where a name is asked for; connections to it are made by its transports. */
function destinationOf(origin: string): Destination {
  const { hostname, port, protocol } = new URL(origin)
  const shared = { namedBy: 'operator', tls: null, tlsContext: null, tlsSession: null } as const
  return {
    ...shared,
    connectTimeoutMs: CONNECT_MS,
    host: hostname,
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  }
}

function keySourceOf(by: string) {
  const [kind = '', name = ''] = by.split(':')
  if (kind === 'header') return { kind: 'header', name: name.toLowerCase() } as const
  return kind === 'cookie' ? ({ kind: 'cookie', name } as const) : ({ kind: 'address' } as const)
}

function readTls({ tls }: UpstreamConfig): TlsSettings {
  return {
    ...(tls.ca === undefined ? {} : { ca: readFileSync(tls.ca, 'utf8') }),
    ...(tls.cert === undefined ? {} : { cert: readFileSync(tls.cert, 'utf8') }),
    ...(tls.key === undefined ? {} : { key: readFileSync(tls.key, 'utf8') }),
    ...(tls.server_name === undefined ? {} : { serverName: tls.server_name }),
    minVersion: `TLSv${tls.min_version}`,
  }
}
