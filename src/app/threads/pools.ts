import { readFileSync } from 'node:fs'
import type { UpstreamConfig } from '../../config/index.ts'
import {
  ConnectionPool,
  type Connector,
  type SharedState,
  type TlsSettings,
  type Transport,
  targetIds,
  UpstreamPool,
} from '../../core/index.ts'

/** After a swap, requests of the old plan may still use a pool; then its connections are closed. */
const RETIRE_AFTER_MS = 30_000

export interface PoolsOptions {
  readonly shared: SharedState
  readonly connector: Connector
  readonly now: () => number
  readonly onHealth: (pool: string, target: string, verdict: 'healthy' | 'unhealthy', reason: string | null) => void
}

interface Held {
  readonly pool: UpstreamPool
  readonly transports: readonly Transport[]
  /** Version of the last plan that used it. */
  version: number
}

/** The pools of one worker: plans that follow each other share those whose configuration is the same. */
export class Pools {
  readonly #options: PoolsOptions
  readonly #held = new Map<string, Held>()

  constructor(options: PoolsOptions) {
    this.#options = options
  }

  /** The pool for the plan of this version. Throws when a file that it names cannot be read. */
  pool(name: string, config: UpstreamConfig, plan: { version: number; connectMs: number }): UpstreamPool {
    const tls = readTls(config)
    const key = JSON.stringify([name, config, tls, plan.connectMs])
    let held = this.#held.get(key)
    if (held === undefined) {
      held = this.#open(name, config, { tls, ...plan })
      this.#held.set(key, held)
    }
    held.version = plan.version
    return held.pool
  }

  /** Closes, after a while, what the plan of this version does not use. */
  retireBefore(version: number): void {
    setTimeout(() => {
      for (const [key, held] of this.#held) {
        if (held.version >= version) continue
        this.#held.delete(key)
        void close(held)
      }
    }, RETIRE_AFTER_MS).unref()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held.values()].map(close))
    this.#held.clear()
  }

  #open(name: string, config: UpstreamConfig, plan: { tls: TlsSettings; version: number; connectMs: number }): Held {
    const { shared, connector, now, onHealth } = this.#options
    const ids = targetIds(config)
    const targets = config.targets.map(({ url, weight }, at) => {
      const secure = url.startsWith('https:')
      const transport = new ConnectionPool({
        origin: ids[at] ?? url,
        connectTimeoutMs: plan.connectMs,
        maxConnections: config.max_connections,
        maxWaiting: config.max_pending,
        connector,
        ...(secure ? { tls: plan.tls } : {}),
      })
      return { id: ids[at] ?? url, weight, transport }
    })
    const { balance, ejection, health } = config
    const pool = new UpstreamPool({
      name,
      targets,
      shared,
      now,
      policy: balance.policy,
      keySource: balance.by === undefined ? null : keySourceOf(balance.by),
      panicBelow: balance.panic_below === 'never' ? null : balance.panic_below,
      host: config.host,
      maxResponse: config.max_response ?? Number.POSITIVE_INFINITY,
      ejection:
        ejection.failures === 0
          ? null
          : {
              failures: ejection.failures,
              baseMs: ejection.base,
              maxMs: Math.max(ejection.base, ejection.max),
              maxShare: ejection.max_share,
            },
      health:
        health === undefined
          ? null
          : {
              path: health.path,
              intervalMs: health.interval,
              timeoutMs: health.timeout,
              healthyThreshold: health.healthy,
              unhealthyThreshold: health.unhealthy,
              expected: { statuses: health.status, body: health.body === undefined ? null : Buffer.from(health.body) },
            },
      onHealth: (target, verdict, reason) => onHealth(name, target.id, verdict, reason),
    })
    return { pool, transports: targets.map(({ transport }) => transport), version: plan.version }
  }
}

async function close({ pool, transports }: Held): Promise<void> {
  pool.close()
  await Promise.all(transports.map(async (transport) => await transport.close()))
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
