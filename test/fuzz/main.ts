/*
 * `npm run fuzz -- [--rounds 100000] [--seed 1]`: mutated requests against a gateway, cut at random places. Nothing may
 * crash or hang, every answer is a message of HTTP, and the upstream sees only what is well formed. Prints a line per
 * thousand rounds and a summary; exits with 1 when anything was wrong. The same seed gives the same requests.
 */
import { parseArgs } from 'node:util'
import { SeededRandom } from '../crash/random.ts'
import { House } from '../e2e/house.ts'
import { playRound } from './round.ts'

const AT_A_TIME = 24

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } })
  const rounds = Number(values.rounds ?? 100_000)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32))
  if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) {
    console.error('usage: npm run fuzz -- [--rounds <1…>] [--seed <whole number>]')
    return 2
  }
  console.log(`seed ${seed}, ${rounds} rounds`)
  const house = await House.build()
  const counts = new Map<number, number>()
  const problems: string[] = []
  let begun = 0
  let ended = 0
  const play = async () => {
    while (begun < rounds && problems.length < 20) {
      // Each round has its own source, so that the order in which they end changes nothing.
      const { statuses, problem } = await playRound(house, new SeededRandom(seed + begun++))
      for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1)
      if (problem !== null) problems.push(problem)
      if (++ended % 1_000 === 0) console.log(`${ended} rounds, ${problems.length} problems`)
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, play))
    await house.assertUnharmed()
    const after = await house.client.chat()
    if (after.status !== 200) problems.push(`a good request is answered with ${after.status} afterwards`)
    problems.push(...house.wall.malformed.map((message) => `the upstream got what is malformed: ${message}`))
  } finally {
    await house.close()
  }
  for (const problem of problems) console.log(`PROBLEM: ${problem}`)
  const answers = [...counts].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`)
  console.log(`answers ${answers.join(', ')}; ${house.wall.requests.length} requests upstream`)
  console.log(`seed ${seed}: ${begun} rounds, ${problems.length} problems`)
  return problems.length === 0 ? 0 : 1
}

process.exitCode = await main()
