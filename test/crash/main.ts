/*
 * `npm run crash -- [--rounds 20] [--seed 1] [--victim 'worker terminated'] [--with redis,postgres | --with none]`: rounds of faults at
 * random instants under load. Where Redis and PostgreSQL are installed (or named by `--with`), every other gateway has them, another
 * gateway shares both with it, and they are killed as well: then budgets that are used up within a round are watched, which no
 * two gateways may pass together. After each the database, the upstream, the clients and the metrics must agree (test/harness/checker.ts), nothing may be
 * reserved and no place in flight taken, and `ferro ledger verify` must find nothing. Prints one line per round and a summary;
 * exits with 1 when anything was violated. The same seed gives the same faults, not the same instants.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { proofViolations } from '../exact/books.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { Load, MIXED } from '../process/load.ts'
import { PLACES, type Place, withPlace } from './place.ts'
import { SeededRandom } from './random.ts'
import { storeVictims } from './store-victims.ts'
import { installed, STORES, type StoreName } from './stores.ts'
import { type Strike, VICTIMS } from './victims.ts'

/** The checker reads all that ever happened: a fresh gateway from time to time keeps that small. */
const ROUNDS_PER_GATEWAY = 8
/** With stores each round has a key of its own with a narrow budget. */
const ROUNDS_WITH_STORES = 4

interface Round {
  readonly victim: string
  readonly requests: number
  readonly served: number
  /** From the strike to the first answer after it. */
  readonly awayMs: number
  /** What was seen of a narrow budget. */
  readonly watched: string
  readonly found: readonly string[]
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      seed: { type: 'string' },
      victim: { type: 'string' },
      with: { type: 'string', default: STORES.filter((name) => installed([name]).length > 0).join(',') },
    },
  })
  const rounds = Number(values.rounds ?? 20)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32))
  if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) {
    console.error('usage: npm run crash -- [--rounds <1…>] [--seed <whole number>] [--victim <name>] [--with <stores>]')
    return 2
  }
  const stores = STORES.filter((name) => values.with.split(',').includes(name))
  const onStores = storeVictims(stores)
  const all: Readonly<Record<string, Strike>> = { ...VICTIMS, ...onStores }
  if (values.victim !== undefined && all[values.victim] === undefined) {
    console.error(`there is no victim ${values.victim}; there are: ${Object.keys(all).join(', ')}`)
    return 2
  }
  console.log(`seed ${seed}, ${rounds} rounds, with ${stores.length === 0 ? 'no stores' : stores.join(' and ')}`)
  const random = new SeededRandom(seed)
  const played: Round[] = []
  let lost = 0
  for (let turn = 0; played.length < rounds; turn++) {
    const isOnStores = values.victim === undefined ? turn % 2 === 0 : onStores[values.victim] !== undefined
    const names: readonly StoreName[] = isOnStores ? stores : []
    const count = Math.min(names.length > 0 ? ROUNDS_WITH_STORES : ROUNDS_PER_GATEWAY, rounds - played.length)
    await withPlace(random, { names, rounds: count }, async (place) => {
      for (let index = 0; index < count; index++) {
        const round = await playRound(place, index, random, choiceOf(values.victim, names, random, onStores), all)
        played.push(round)
        const { victim, requests, served, awayMs, watched } = round
        const figures = `${requests} requests, ${served} served, back after ${Math.round(awayMs)} ms${watched}`
        console.log(`${String(played.length).padStart(4)}  ${victim.padEnd(28)} ${figures}`)
        for (const sentence of round.found) console.log(`      VIOLATED: ${sentence}`)
      }
      const { requests } = readLedger(place.house.gateway.databasePath)
      lost += requests.filter(({ outcome }) => outcome === 'lost').length
    })
  }
  const sum = (of: (round: Round) => number) => played.reduce((total, round) => total + of(round), 0)
  const violated = sum(({ found }) => found.length)
  const counts = `${sum(({ requests }) => requests)} requests, ${sum(({ served }) => served)} served, ${lost} lost and paid in full`
  const longest = Math.round(Math.max(...played.map(({ awayMs }) => awayMs)))
  console.log(
    `seed ${seed}: ${played.length} rounds, ${counts}, away for ${longest} ms at most, ${violated} violations`,
  )
  return violated === 0 ? 0 : 1
}

/** Every other time one of the stores, where there are some. */
function choiceOf(
  named: string | undefined,
  stores: readonly StoreName[],
  random: SeededRandom,
  onStores: Readonly<Record<string, Strike>>,
): string {
  if (named !== undefined) return named
  if (stores.length > 0 && random.next() < 0.5) return random.pick(Object.keys(onStores))
  // What holds the file of SQLite does not hold PostgreSQL.
  const possible = Object.keys(VICTIMS).filter(
    (name) => !stores.includes('postgres') || !name.includes('without database'),
  )
  return random.pick(possible)
}

async function playRound(
  place: Place,
  index: number,
  random: SeededRandom,
  victim: string,
  victims: Readonly<Record<string, Strike>>,
): Promise<Round> {
  const { house, stores } = place
  const { client, wall } = house
  const clients = [client, ...place.clients]
  const sentBefore = clients.map(({ log }) => log.length)
  const narrow = stores?.narrow[index]
  const loads = [
    new Load(client, {
      requests: [...MIXED, { model: 'fin-mid-stream', stream: true }, { model: 'status-503' }],
      concurrency: random.between(2, 24),
      newConnectionEvery: random.between(0, 5),
    }),
    ...(narrow === undefined ? [] : place.clients).map(
      (each) =>
        new Load(each, {
          requests: [{ model: 'ok', secret: narrow?.secret ?? '', body: { max_tokens: 8 } }],
          concurrency: 3,
        }),
    ),
  ]
  const [load] = loads as [Load]
  const watching = narrow === undefined ? undefined : stores?.watch(narrow)
  const held = Array.from({ length: random.between(0, 6) }, (_unused, at) =>
    client.start({ model: at % 2 === 0 ? 'barrier' : 'barrier-mid', stream: at % 2 === 1 }),
  )
  const stopLoad = async () => {
    await Promise.all(loads.map(async (each) => await each.stop()))
  }
  await eventually(() => load.served > 0, { deadlineMs: 30_000, what: 'the first answer of the round' })
  await delay(random.between(0, 600))
  const since = performance.now()
  let awayMs = 0
  try {
    await victims[victim]?.({ ...place, random, stopLoad })
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
  const found = [...(await violations(place.evidence, 20_000)), ...(await takenPlaces(place))]
  found.push(...(await reserved(place)), ...(await proofViolations({ gateways: place.gateways })))
  let watched = ''
  if (narrow !== undefined && stores !== null) {
    const { samples, most } = (await watching?.stop()) ?? { samples: 0, most: 0 }
    found.push(...(await stores.violations(narrow, house.gateway.databasePath, most)))
    watched = `, a narrow budget seen ${samples} times, at ${most} tokens at most`
  }
  const own = clients.flatMap(({ log }, at) => log.slice(sentBefore[at]))
  const served = own.filter(({ status }) => status === 200).length
  return { victim, requests: own.length, served, awayMs, watched, found }
}

/** Nobody is in flight: nothing may be reserved on any gateway. */
async function reserved({ gateways }: Place): Promise<string[]> {
  const open = async () => {
    const read = (await Promise.all(gateways.map(async (gateway) => await gateway.metrics()))).flat()
    return findSamples(read, 'ferro_budget_reserved').filter(({ value }) => value !== 0)
  }
  await eventually(async () => (await open()).length === 0, { deadlineMs: 10_000 }).catch(() => undefined) // told below
  return (await open()).map(({ value, labels }) => `${value} are still reserved for ${JSON.stringify(labels)}`)
}

/** Nobody is in flight: all places must be free at once. */
async function takenPlaces({ house: { client, wall } }: Place): Promise<string[]> {
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
