import { readFileSync } from 'node:fs'
import { House } from '../e2e/house.ts'
import type { Evidence } from '../harness/checker.ts'
import { ChatClient } from '../harness/client.ts'
import { Gateway } from '../harness/gateway.ts'
import { isObject, parseJson } from '../harness/json.ts'
import { BIG_BUDGET } from '../process/budget-metrics.ts'
import { MIXED_MODELS } from '../process/load.ts'
import { Threads } from '../process/threads.ts'
import type { SeededRandom } from './random.ts'
import { type StoreName, Stores } from './stores.ts'

/** Places in flight of the clients' team: more than a round takes at once. */
export const PLACES = 80
/** So that the control thread can run out of it. */
const CONTROL_MEMORY_MIB = 256

const MODELS = [...MIXED_MODELS, 'barrier', 'barrier-mid', 'fin-mid-stream', 'status-503']
const PRICES = { input: 3.701, output: 11.103 }

/** Where rounds are played: a gateway that is struck, and what is around it. */
export interface Place {
  readonly house: House
  readonly threads: Threads
  /** Null: it needs none. */
  readonly stores: Stores | null
  /** The one that is struck, and those that share its stores. */
  readonly gateways: readonly Gateway[]
  /** Clients of each gateway for the keys of the stores. */
  readonly clients: readonly ChatClient[]
  readonly evidence: Evidence
}

/** Builds a place for so many rounds, and takes it away again. */
export async function withPlace(
  random: SeededRandom,
  { names, rounds }: { readonly names: readonly StoreName[]; readonly rounds: number },
  play: (place: Place) => Promise<void>,
): Promise<void> {
  const threads = new Threads()
  const stores = names.length === 0 ? null : await Stores.start(names, rounds)
  let house: House | null = null
  let other: Gateway | null = null
  const clients: ChatClient[] = []
  try {
    house = await build(random, threads, stores)
    // Where ledgers are each gateway's own, no one of them says what all have used.
    if (stores?.postgres != null && stores.redis !== null) other = await besides(house, stores)
    const { gateway } = house
    const gateways = other === null ? [gateway] : [gateway, other]
    if (stores !== null) for (const each of gateways) clients.push(new ChatClient(() => each.url, ''))
    const evidence = { ...house.evidence, clients: [house.client, ...clients] }
    const { metrics: _ofOne, ...withoutMetrics } = evidence
    // What a gateway has used of a budget is its own part of it when others share it.
    await play({ house, threads, stores, gateways, clients, evidence: other === null ? evidence : withoutMetrics })
  } catch (error) {
    for (const each of [house?.gateway, other]) console.error(each?.stderr.text.slice(-4_000) ?? '')
    throw error
  } finally {
    for (const client of clients) client.close()
    await other?.close()
    await house?.close()
    await stores?.close()
    threads.close()
  }
}

async function besides({ gateway }: House, { env }: Stores): Promise<Gateway> {
  const config = parseJson(readFileSync(gateway.configPath, 'utf8'))
  if (!isObject(config)) throw new Error('the configuration of the house is JSON')
  return await Gateway.start({ config, env })
}

async function build(random: SeededRandom, threads: Threads, stores: Stores | null): Promise<House> {
  return await House.build({
    models: MODELS.map((name) => ({ name, prices: PRICES })),
    key: { ...BIG_BUDGET, team: 'struck' },
    otherKeys: stores?.keys ?? [],
    more: {
      organizations: [{ id: 'whole', budgets: [{ usd: 1_000_000, per: 'week', time_zone: 'Asia/Kolkata' }] }],
      teams: [
        {
          id: 'struck',
          organization: 'whole',
          budgets: [
            { tokens: 1_000_000_000, per: 'total' },
            { usd: 1_000_000, per: 'day' },
          ],
          limits: { concurrency: PLACES, tokens_per_minute: 100_000_000 },
        },
      ],
      gateway: { budgets: [{ tokens: 1_000_000_000, per: 'day' }] },
      workers: random.between(1, 3),
      process: { stall_timeout: '1s', worker_memory: '64MiB' },
      drain: { lag: '0s', grace: '2s' },
      log: { access: { output: 'off' } },
      // What is refused at once is answered before it is written: whoever dies in between leaves no record of it.
      overload: { shed: 'off' },
      routing: { breaker: { consecutive_failures: 0, failure_share: 0 } },
      ...stores?.config,
    },
    gateway: {
      ...threads.gateway,
      env: { ...threads.gateway.env, ...stores?.env },
      nodeArgs: [...(threads.gateway.nodeArgs ?? []), `--max-old-space-size=${CONTROL_MEMORY_MIB}`],
    },
  })
}
