import type { SeededRandom } from '../crash/random.ts'
import { ChatClient } from '../harness/client.ts'
import { baseConfig, type TestKey } from '../harness/config.ts'
import { Gateway } from '../harness/gateway.ts'
import type { JsonObject } from '../harness/json.ts'
import type { MetricSample } from '../harness/metrics.ts'
import { Wall } from '../harness/wall/wall.ts'
import { type Cell, documentOf, MODELS, PRICES } from './cells.ts'

export interface FleetOptions {
  readonly workers: number
  readonly replicas: number
  /** Members of the configuration that make replicas count together. */
  readonly cluster?: JsonObject
}

/** Gateways with the same configuration, and the wall behind them. */
export class Fleet {
  readonly wall: Wall
  readonly gateways: readonly Gateway[]

  private constructor(wall: Wall, gateways: readonly Gateway[]) {
    this.wall = wall
    this.gateways = gateways
  }

  static async start(cells: readonly Cell[], { workers, replicas, cluster = {} }: FleetOptions): Promise<Fleet> {
    const wall = await Wall.start()
    const { keys, more } = documentOf(cells)
    const config = baseConfig({
      wallUrl: wall.url,
      keys,
      models: [...MODELS, 'slow-200'].map((name) => ({ name, prices: PRICES })),
      more: {
        workers,
        // On a busy machine some would be refused for that, and a target that fails on purpose is asked again.
        overload: { shed: 'off' },
        routing: { breaker: { consecutive_failures: 0, failure_share: 0 } },
        log: { access: { output: 'off' } },
        ...cluster,
        ...more,
      },
    })
    const started = await Promise.allSettled(Array.from({ length: replicas }, () => Gateway.start({ config })))
    const gateways = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const fleet = new Fleet(wall, gateways)
    const failed = started.find((each) => each.status === 'rejected')
    if (failed === undefined) return fleet
    await fleet.close()
    throw failed.reason
  }

  /** A client with this key that asks any of the gateways. */
  client(key: TestKey, random: SeededRandom): ChatClient {
    return new ChatClient(() => random.pick(this.gateways).url, key.secret)
  }

  /** What every gateway's metrics say now. */
  async metrics(): Promise<(readonly MetricSample[])[]> {
    return await Promise.all(this.gateways.map((gateway) => gateway.metrics()))
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.close()))
    await this.wall.close()
  }
}
