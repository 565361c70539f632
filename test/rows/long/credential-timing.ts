/* Whether the time of a refusal tells anything of the secret that was tried. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { test } from 'node:test'
import { House } from '../../e2e/house.ts'

const TRIES = 20_000
const WARM_UP = 2_000
/** Beyond it two means differ for certain (ISO/IEC 17825 takes it for leakage). */
const MOST_T = 4.5

test('A2 a wrong secret is refused as fast when its beginning, or all but its end, is right', {
  timeout: 300_000,
}, async (t) => {
  const house = await House.build()
  t.after(() => house.close())
  const { secret } = house.key
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const random = (length: number) => randomBytes(length).toString('base64url').slice(0, length)
  const kinds = {
    random: () => `fk-${random(secret.length - 3)}`,
    'right beginning': () => secret.slice(0, 20) + random(secret.length - 20),
    'all but the last character': () => secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A'),
  }
  const times = new Map<string, number[]>()
  const names = Object.keys(kinds) as (keyof typeof kinds)[] // an object's keys are its names
  for (const name of names) times.set(name, [])
  for (let turn = 0; turn < TRIES + WARM_UP; turn++) {
    // In a random order: whatever the machine does meanwhile falls on all alike.
    const name = names[Math.floor(Math.random() * names.length)] ?? 'random'
    const tookUs = await tryOnce(`${house.gateway.url}/v1/models`, kinds[name](), agent)
    if (turn >= WARM_UP) times.get(name)?.push(tookUs)
  }
  for (const [at, first] of names.entries()) {
    for (const second of names.slice(at + 1)) {
      const score = welch(trimmed(times.get(first) ?? []), trimmed(times.get(second) ?? []))
      t.diagnostic(`${first} and ${second}: t = ${score.toFixed(2)}`)
      assert.ok(Math.abs(score) < MOST_T, `${first} and ${second} are told apart: t = ${score}`)
    }
  }
})

function tryOnce(url: string, secret: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const since = performance.now()
    const sent = request(url, { agent, headers: { authorization: `Bearer ${secret}` } }, (response) => {
      const tookUs = (performance.now() - since) * 1_000
      assert.equal(response.statusCode, 401)
      response.resume().once('end', () => {
        resolve(tookUs)
      })
    })
    sent.once('error', reject).end()
  })
}

/** Without the slowest tenth: pauses of the machine. */
function trimmed(times: readonly number[]): number[] {
  return times.toSorted((a, b) => a - b).slice(0, Math.floor(times.length * 0.9))
}

function welch(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]) => list.reduce((sum, each) => sum + each, 0) / list.length
  const variance = (list: readonly number[]) => {
    const middle = mean(list)
    return list.reduce((sum, each) => sum + (each - middle) ** 2, 0) / (list.length - 1)
  }
  return (mean(a) - mean(b)) / Math.sqrt(variance(a) / a.length + variance(b) / b.length)
}
