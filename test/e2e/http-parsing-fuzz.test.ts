import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../crash/random.ts'
import { playRound } from '../fuzz/round.ts'
import { scaled, scaledTime, useHouse } from './house.ts'

const house = useHouse()
const SEED = 20_261_121
const AT_A_TIME = 12

test('H29 mutated requests harm nobody, and what reaches the upstream is well formed', {
  timeout: scaledTime(110_000),
}, async () => {
  const rounds = scaled(2_000)
  const counts = new Map<number, number>()
  let begun = 0
  const play = async () => {
    while (begun < rounds) {
      const { statuses, problem } = await playRound(house(), new SeededRandom(SEED + begun++))
      assert.equal(problem, null)
      for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, play))
  const { wall, client } = house()
  assert.deepEqual(wall.malformed, [])
  // Both sides of the line were tried.
  assert.ok((counts.get(200) ?? 0) > rounds / 20 && (counts.get(400) ?? 0) > rounds / 10, JSON.stringify([...counts]))
  assert.equal((await client.chat()).status, 200)
})
