import { Redis } from 'ioredis'
import { RedisProcess } from '../cluster/redis-process.ts'
import { keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import type { JsonObject } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { PrivatePostgres } from '../servers/private-postgres.ts'
import { findServer } from '../servers/servers.ts'

/** Servers that a gateway may need, and that may die. */
export const STORES = ['redis', 'postgres'] as const
export type StoreName = (typeof STORES)[number]

/** Tokens that all gateways together may use with one of the narrow keys: used up within a round, or nearly. */
const NARROW_TOKENS = 3_000
const SAMPLE_EVERY_MS = 50
const SAMPLE_WITHIN_MS = 1_000

/** Instances of one database have the same secrets. */
const SECRETS = { FERRO_PEPPER: 'pepper of gateways that are struck', FERRO_CONTENT_KEY: 'content key of those' }

/** The stores behind the gateways of a scene, and keys whose budgets are watched in them. */
export class Stores {
  readonly redis: RedisProcess | null
  readonly postgres: PrivatePostgres | null
  readonly narrow: readonly TestKey[]
  readonly env: Readonly<Record<string, string>>

  private constructor(redis: RedisProcess | null, postgres: PrivatePostgres | null, narrow: number) {
    this.redis = redis
    this.postgres = postgres
    this.narrow = Array.from({ length: narrow }, (_unused, at) => keyPair(`narrow-${at}`))
    this.env = postgres === null ? {} : SECRETS
  }

  /** `narrow`: how many keys there are with a budget of their own. */
  static async start(names: readonly StoreName[], narrow: number): Promise<Stores> {
    const redis = names.includes('redis') ? await RedisProcess.start() : null
    return new Stores(redis, names.includes('postgres') ? await PrivatePostgres.start() : null, narrow)
  }

  /** Members of the configuration. */
  get config(): JsonObject {
    return {
      ...(this.redis === null ? {} : { cluster: { counters: this.redis.url } }),
      ...(this.postgres === null ? {} : { storage: { url: this.postgres.url() } }),
    }
  }

  get keys() {
    return this.narrow.map((key) => ({ key, budgets: [{ tokens: NARROW_TOKENS, per: 'total' }] }))
  }

  /** Reads as long as it runs what the counter store says that all hold of a narrow key. */
  watch({ id }: TestKey): { stop(): Promise<{ samples: number; most: number }> } {
    let running = this.redis !== null
    let [samples, most] = [0, 0]
    const loop = (async () => {
      while (running) {
        const sum = await this.#shared(id).catch(() => null) // it is away: that is what is played
        if (sum !== null) samples++
        most = Math.max(most, sum ?? 0)
        await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS))
      }
    })()
    return {
      stop: async () => {
        running = false
        await loop
        return { samples, most }
      },
    }
  }

  /** What of a narrow key's budget does not hold: by the ledger, by the counter store, or between them. At rest. */
  async violations({ id }: TestKey, databasePath: string, most: number): Promise<string[]> {
    const settled = () =>
      readLedger(databasePath)
        .ledger.filter(({ phase, keyId }) => phase === 'settle' && keyId === id)
        .reduce((sum, { tokens }) => sum + tokens, 0)
    const found: string[] = []
    if (settled() > NARROW_TOKENS) found.push(`${id} has used ${settled()} tokens, where ${NARROW_TOKENS} may be`)
    if (most > NARROW_TOKENS) found.push(`the counter store had ${most} tokens of ${id}, where ${NARROW_TOKENS} may be`)
    if (this.redis === null) return found
    let sum: number | null = null
    const agrees = async () => {
      sum = await this.#shared(id)
      return (sum ?? 0) === settled()
    }
    try {
      await eventually(agrees, { deadlineMs: 10_000, everyMs: 100 })
    } catch {
      found.push(`the counter store has ${sum} tokens of ${id}, the ledger ${settled()}`)
    }
    return found
  }

  async close(): Promise<void> {
    await Promise.all([this.redis?.close(), this.postgres?.close()])
  }

  async #shared(id: string): Promise<number | null> {
    const client = new Redis(this.redis?.port ?? 0, '127.0.0.1', {
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      commandTimeout: SAMPLE_WITHIN_MS,
    })
    client.on('error', () => undefined) // the command that waits for it is rejected
    try {
      const epoch = await client.hget('ferro:{main}:meta', 'epoch')
      const sum = await client.hget(`ferro:{main}:${epoch}:key:${id}:tokens:total:0`, '#')
      return sum === null ? null : Number(sum)
    } finally {
      client.disconnect()
    }
  }
}

/** Those of these stores that are installed. */
export function installed(names: readonly StoreName[]): StoreName[] {
  return names.filter((name) => findServer(name) !== null)
}
