import { after, before } from 'node:test'
import OpenAI, { type ClientOptions } from 'openai'
import { keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at, type JsonObject } from '../harness/json.ts'
import { WALL_KEY, Wall } from '../harness/wall/wall.ts'
import { STRICT_KEY, StrictUpstream } from './strict-upstream.ts'

/** Keys beside the main one, and members of the configuration that a file of tests needs. */
export interface SdkHouseOptions {
  readonly keys?: readonly ({ readonly key: TestKey } & JsonObject)[]
  readonly more?: JsonObject
  readonly wall?: JsonObject
}

/**
 * A started gateway with three providers, each addressed as `provider/model`: `demo` inside it, `strict` and `wall`
 * over the network.
 */
export class SdkHouse {
  readonly gateway: Gateway
  readonly wall: Wall
  readonly strict: StrictUpstream
  readonly key: TestKey

  private constructor(gateway: Gateway, upstreams: { wall: Wall; strict: StrictUpstream }, key: TestKey) {
    this.gateway = gateway
    this.wall = upstreams.wall
    this.strict = upstreams.strict
    this.key = key
  }

  /** Starts everything. */
  static async build({ keys = [], more, wall: wallMembers }: SdkHouseOptions): Promise<SdkHouse> {
    const [wall, strict] = await Promise.all([Wall.start(), StrictUpstream.start()])
    const key = keyPair('sdk')
    const provider = { kind: 'openai-compatible', direct: true }
    const config = {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: {
        wall: { ...provider, api_key: WALL_KEY, base_url: wall.url, ...wallMembers },
        strict: { ...provider, api_key: STRICT_KEY, base_url: strict.url },
      },
      keys: [{ key }, ...keys].map(({ key: { id, hash }, ...members }) => ({ id, hash, ...members })),
      ...more,
    }
    try {
      return new SdkHouse(await Gateway.start({ config }), { wall, strict }, key)
    } catch (error) {
      await Promise.all([wall.close(), strict.close()])
      throw error
    }
  }

  /** The official client, given nothing but the address and a key; no retries of its own unless asked for. */
  client(options: ClientOptions = {}): OpenAI {
    return new OpenAI({ apiKey: this.key.secret, baseURL: `${this.gateway.url}/v1`, maxRetries: 0, ...options })
  }

  /** The record of a request, when the database has it. */
  async record(requestId: string): Promise<unknown> {
    const what = `the record of ${requestId}`
    return await eventually(
      () => {
        using database = this.gateway.db()
        return database.prepare('SELECT * FROM requests WHERE id = ?').get(requestId) ?? null
      },
      { what },
    )
  }

  /** A member of the newest record of this model, when it has ended as `outcome`. */
  async newest(model: string, outcome: string): Promise<unknown> {
    return await eventually(
      () => {
        using database = this.gateway.db()
        const newest = database.prepare('SELECT * FROM requests WHERE model_requested = ? ORDER BY id DESC LIMIT 1')
        const row = newest.get(model)
        return at(row, 'outcome') === outcome ? row : null
      },
      { what: `a record of ${model} that ended as ${outcome}` },
    )
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.gateway.close()
    await Promise.all([this.wall.close(), this.strict.close()])
  }
}

/** Registers hooks that start a house for all tests of the file. */
export function useSdkHouse(options: SdkHouseOptions = {}): () => SdkHouse {
  let house: SdkHouse | null = null
  before(async () => {
    house = await SdkHouse.build(options)
  })
  after(() => house?.close())
  return () => {
    if (house === null) throw new Error('the house is built by a hook: use it inside tests')
    return house
  }
}

/** The two roads to the same answers: inside the process, and relayed from an upstream over the network. */
export const ROADS = ['demo', 'strict'] as const
