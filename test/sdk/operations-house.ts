import { after, before } from 'node:test'
import OpenAI, { type ClientOptions } from 'openai'
import { keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at, type JsonObject } from '../harness/json.ts'
import { OperationsUpstream } from '../mocks/openai-operations/upstream.ts'

export const UPSTREAM_KEY = 'operations-provider-key-Zt5wQe8Ks1'

/** A started gateway whose provider `vendor` serves all that is no conversation, strictly. */
export interface OperationsHouse {
  readonly gateway: Gateway
  readonly upstream: OperationsUpstream
  readonly key: TestKey
  readonly client: (options?: ClientOptions) => OpenAI
  /** Waits until a record that was not found before of a route has these members. */
  readonly recorded: (route: string, expected: Readonly<Record<string, unknown>>) => Promise<void>
}

/** Registers hooks that start one for all tests of the file. */
export function useOperationsHouse(
  more: JsonObject = {},
  keys: readonly ({ readonly key: TestKey } & JsonObject)[] = [],
): () => OperationsHouse {
  let house: OperationsHouse | null = null
  before(async () => {
    const upstream = await OperationsUpstream.start(UPSTREAM_KEY)
    const key = keyPair('sdk')
    const config = {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers: { vendor: { kind: 'openai-compatible', direct: true, api_key: UPSTREAM_KEY, base_url: upstream.url } },
      models: { hearing: { targets: [{ provider: 'vendor', model: 'whisper-1' }] } },
      keys: [{ key }, ...keys].map(({ key: { id, hash }, ...members }) => ({ id, hash, ...members })),
      ...more,
    }
    const gateway = await Gateway.start({ config, readyDeadlineMs: 60_000 }).catch(async (error: unknown) => {
      await upstream.close()
      throw error
    })
    // Requests of the same millisecond have no order.
    const found = new Set<string>()
    house = {
      gateway,
      upstream,
      key,
      client: (options = {}) =>
        new OpenAI({ apiKey: key.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0, ...options }),
      recorded: async (route, expected) => {
        await eventually(
          () => {
            using database = gateway.db()
            const rows = database.prepare('SELECT * FROM requests WHERE route = ?').all(route)
            const row = rows.find(
              (each) =>
                !found.has(String(each['id'])) &&
                Object.entries(expected).every(([column, value]) => at(each, column) === value),
            )
            if (row !== undefined) found.add(String(row['id']))
            return row !== undefined
          },
          { deadlineMs: 20_000, what: `the record of ${route} to say ${JSON.stringify(expected)}` },
        )
      },
    }
  })
  after(async () => {
    await house?.gateway.close()
    await house?.upstream.close()
  })
  return () => {
    if (house === null) throw new Error('the house is built by a hook: use it inside tests')
    return house
  }
}
