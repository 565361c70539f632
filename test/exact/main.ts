/*
 * `npm run exact -- [--workers 1|4] [--replicas 3] [--redis url] [--clients 200] [--requests 5] [--seed S] [--kind …] [--level …]
 * [--cells 40|all]`: many clients at once, with random cancels and faults of the upstream, against each kind of limit and budget at each level
 * and for each thing that rules count apart, or (by the seed) against so many of these cells that each kind and each level is among them.
 * Prints a line for each and exits with 1 when a limit was passed, was kept too strictly, or the books do not balance after.
 */
import { parseArgs } from 'node:util'
import { SeededRandom } from '../crash/random.ts'
import { startRedis } from '../servers/servers.ts'
import { kindsFor, LEVELS } from './cells.ts'
import { playAll, someOf } from './play.ts'
import type { Played } from './play-cell.ts'

const USAGE =
  'usage: npm run exact -- [--workers n] [--replicas n] [--redis url] [--clients n] [--requests n] [--seed n] [--kind name] [--level name] [--cells n|all]'

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      workers: { type: 'string', multiple: true },
      replicas: { type: 'string', default: '1' },
      redis: { type: 'string' },
      clients: { type: 'string', default: '200' },
      requests: { type: 'string', default: '5' },
      seed: { type: 'string', default: `${Math.floor(Math.random() * 2 ** 32)}` },
      kind: { type: 'string', multiple: true },
      level: { type: 'string', multiple: true },
      cells: { type: 'string', default: '40' },
    },
  })
  const [clients, requests, seed, replicas] = [values.clients, values.requests, values.seed, values.replicas].map(
    Number,
  ) as [number, number, number, number] // four of them
  const workers = (values.workers ?? ['1', '4']).map(Number)
  const kinds = kindsFor(clients * requests).filter(({ name }) => values.kind?.includes(name) ?? true)
  const levels = LEVELS.filter((level) => values.level?.includes(level) ?? true)
  const count = values.cells === 'all' ? Number.MAX_SAFE_INTEGER : Number(values.cells)
  const numbers = [count, clients, requests, seed, replicas, ...workers]
  if (numbers.some((number) => !Number.isSafeInteger(number) || number < 0) || kinds.length * levels.length === 0) {
    console.error(
      `${USAGE}\nkinds: ${kindsFor(1)
        .map(({ name }) => name)
        .join(', ')}\nlevels: ${LEVELS.join(', ')}`,
    )
    return 2
  }
  // Several replicas count together in one Redis: the one that is named, or one of their own.
  const redis = replicas > 1 && values.redis === undefined ? await startRedis() : null
  const counters = values.redis ?? (redis === null ? undefined : `redis://127.0.0.1:${redis.port}`)
  const cluster = counters === undefined ? {} : { cluster: { counters } }
  let played = 0
  let violated = 0
  for (const each of workers) {
    console.log(`seed ${seed}, ${replicas} replica(s), ${each} worker(s), ${clients} clients with ${requests} requests`)
    const random = new SeededRandom(seed)
    const found = await playAll(
      someOf(kinds, levels, count, random),
      { workers: each, replicas, cluster },
      {
        clients,
        requests,
        random,
        onPlayed: (cell) => {
          played++
          console.log(lineOf(cell))
        },
      },
    )
    for (const sentence of found) console.log(`  VIOLATED: ${sentence}`)
    violated += found.length
  }
  await redis?.stop()
  console.log(`seed ${seed}: ${played} cells, ${violated} violations`)
  return violated === 0 ? 0 : 1
}

function lineOf({ cell, sent, passed, refused, left, samples, highest, found }: Played): string {
  const seen = samples === 0 ? '' : `, ${samples} readings up to ${(highest * 100).toFixed(1)} %`
  const counts = `${sent} sent, ${passed} passed, ${refused} refused, ${left} left${seen}`
  return `${found.length === 0 ? 'holds ' : 'BROKEN'} ${cell.padEnd(32)} ${counts}`
}

process.exitCode = await main()
