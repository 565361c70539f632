/*
 * `npm run crash -- [--rounds 20] [--seed 1] [--victim 'worker terminated']`: rounds of faults at random instants under
 * load. After each the database, the upstream, the clients and the metrics must agree (test/harness/checker.ts), nothing may be
 * reserved and no place in flight taken, and `ferro ledger verify` must find nothing. Prints one line per round and a summary;
 * exits with 1 when anything was violated. The same seed gives the same faults, not the same instants.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { House } from '../e2e/house.ts'
import { proofViolations } from '../exact/books.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { BIG_BUDGET } from '../process/budget-metrics.ts'
import { Load, MIXED, MIXED_MODELS } from '../process/load.ts'
import { Threads } from '../process/threads.ts'
import { SeededRandom } from './random.ts'
import { VICTIMS } from './victims.ts'

/** The checker reads all that ever happened: a fresh gateway from time to time keeps that small. */
const ROUNDS_PER_GATEWAY = 8
/** Places in flight of the clients' team: more than a round takes at once. */
const PLACES = 80
/** So that the control thread can run out of it. */
const CONTROL_MEMORY_MIB = 256

const MODELS = [...MIXED_MODELS, 'barrier', 'barrier-mid', 'fin-mid-stream', 'status-503']
const PRICES = { input: 3.701, output: 11.103 }

interface Round {
  readonly victim: string
  readonly requests: number
  readonly served: number
  /** From the strike to the first answer after it. */
  readonly awayMs: number
  readonly found: readonly string[]
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string' }, seed: { type: 'string' }, victim: { type: 'string' } },
  })
  const rounds = Number(values.rounds ?? 20)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32))
  if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) {
    console.error('usage: npm run crash -- [--rounds <1…>] [--seed <whole number>] [--victim <name>]')
    return 2
  }
  const victims = Object.keys(VICTIMS).filter((name) => values.victim === undefined || name === values.victim)
  if (victims.length === 0) {
    console.error(`there is no victim ${values.victim}; there are: ${Object.keys(VICTIMS).join(', ')}`)
    return 2
  }
  console.log(`seed ${seed}, ${rounds} rounds`)
  const random = new SeededRandom(seed)
  const all: Round[] = []
  let lost = 0
  while (all.length < rounds) {
    const count = Math.min(ROUNDS_PER_GATEWAY, rounds - all.length)
    await withGateway(random, async (house, threads) => {
      for (let index = 0; index < count; index++) {
        const round = await playRound({ house, threads }, random, victims)
        all.push(round)
        const { victim, requests, served, awayMs } = round
        const figures = `${requests} requests, ${served} served, back after ${Math.round(awayMs)} ms`
        console.log(`${String(all.length).padStart(4)}  ${victim.padEnd(24)} ${figures}`)
        for (const sentence of round.found) console.log(`      VIOLATED: ${sentence}`)
      }
      const { requests } = readLedger(house.gateway.databasePath)
      lost += requests.filter(({ outcome }) => outcome === 'lost').length
    })
  }
  const sum = (of: (round: Round) => number) => all.reduce((total, round) => total + of(round), 0)
  const violated = sum(({ found }) => found.length)
  const counts = `${sum(({ requests }) => requests)} requests, ${sum(({ served }) => served)} served, ${lost} lost and paid in full`
  const longest = Math.round(Math.max(...all.map(({ awayMs }) => awayMs)))
  console.log(`seed ${seed}: ${all.length} rounds, ${counts}, away for ${longest} ms at most, ${violated} violations`)
  return violated === 0 ? 0 : 1
}

async function withGateway(random: SeededRandom, play: (house: House, threads: Threads) => Promise<void>) {
  const threads = new Threads()
  try {
    const house = await House.build({
      models: MODELS.map((name) => ({ name, prices: PRICES })),
      key: { ...BIG_BUDGET, team: 'struck' },
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
      },
      gateway: {
        ...threads.gateway,
        nodeArgs: [...(threads.gateway.nodeArgs ?? []), `--max-old-space-size=${CONTROL_MEMORY_MIB}`],
      },
    })
    try {
      await play(house, threads)
    } catch (error) {
      console.error(house.gateway.stderr.text.slice(-4_000))
      throw error
    } finally {
      await house.close()
    }
  } finally {
    threads.close()
  }
}

async function playRound(
  { house, threads }: { house: House; threads: Threads },
  random: SeededRandom,
  victims: readonly string[],
): Promise<Round> {
  const { client, wall } = house
  const before = client.log.length
  const load = new Load(client, {
    requests: [...MIXED, { model: 'fin-mid-stream', stream: true }, { model: 'status-503' }],
    concurrency: random.between(2, 24),
    newConnectionEvery: random.between(0, 5),
  })
  const held = Array.from({ length: random.between(0, 6) }, (_unused, index) =>
    client.start({ model: index % 2 === 0 ? 'barrier' : 'barrier-mid', stream: index % 2 === 1 }),
  )
  const stopLoad = () => load.stop()
  await eventually(() => load.served > 0, { deadlineMs: 30_000, what: 'the first answer of the round' })
  await delay(random.between(0, 600))
  const victim = random.pick(victims)
  const since = performance.now()
  let awayMs = 0
  try {
    await VICTIMS[victim]?.({ house, threads, random, stopLoad })
    awayMs = performance.now() - since
    await delay(random.between(0, 300))
  } finally {
    await stopLoad()
    // One that was taken up by a worker that has started since waits for a release of its own.
    const release = setInterval(() => {
      wall.release()
    }, 50)
    await Promise.all(held.map((call) => call.result))
    clearInterval(release)
  }
  await eventually(async () => ((await client.chat()).status === 200 ? true : null), {
    deadlineMs: 30_000,
    everyMs: 50,
    what: `an answer after ${victim}`,
  })
  const found = [...(await violations(house.evidence, 20_000)), ...(await takenPlaces(house))]
  found.push(...(await proofViolations({ gateways: [house.gateway] })))
  const own = client.log.slice(before)
  return { victim, requests: own.length, served: own.filter(({ status }) => status === 200).length, awayMs, found }
}

/** Nobody is in flight: all places must be free at once. */
async function takenPlaces({ client, wall }: House): Promise<string[]> {
  const calls = Array.from({ length: PLACES }, () => client.start({ model: 'barrier' }))
  const refused = () => calls.filter(({ entry }) => entry.outcome !== 'open').length
  const seen = wall.requests.length
  await eventually(() => wall.requests.length - seen + refused() >= PLACES, { deadlineMs: 20_000 })
  const count = refused()
  wall.release()
  await Promise.all(calls.map(({ result }) => result))
  return count === 0 ? [] : [`${count} of ${PLACES} places in flight were taken by nobody`]
}

process.exitCode = await main()
