import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { House, scaled, scaledTime } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { Load, MIXED_MODELS } from './load.ts'
import { type Order, Threads } from './threads.ts'

/** A dead worker is replaced at once, one that stands still after the stall timeout; the rest is this machine's. */
const REPLACED_WITHIN_MS = 15_000
const DEATHS: readonly Order[] = ['throw', 'exit', 'oom', 'stall 60000']
/** On each side of the line that the journal draws, and on it. */
const DEATHS_AT_WRITE: readonly Order[] = ['write before exit', 'write half exit', 'write after exit']

async function build(t: TestContext, workers: number): Promise<{ house: House; threads: Threads }> {
  const threads = new Threads()
  t.after(() => threads.close())
  const house = await House.build({
    models: MIXED_MODELS,
    key: { budgets: [{ tokens: 1_000_000_000, per: 'month' }] },
    // What is refused at once is answered before it is written: a thread that dies in between leaves no record of it.
    more: { workers, process: { stall_timeout: '1s', worker_memory: '64MiB' }, overload: { shed: 'off' } },
    gateway: threads.gateway,
  })
  t.after(() => house.close())
  return { house, threads }
}

/** Lets a worker die under load and asserts that another one takes over, and that nothing is missing or held. */
async function strike(
  t: TestContext,
  { house, threads }: Awaited<ReturnType<typeof build>>,
  order: Order | 'terminate',
) {
  const { pid } = house.gateway
  const load = new Load(house.client, { concurrency: 16 }, t)
  await eventually(() => load.served > 20, { deadlineMs: 20_000, what: 'answers before the fault' })
  const known = await threads.living('data')
  const victim = await threads.any('data')
  const since = performance.now()
  if (order === 'terminate') await threads.terminate(victim)
  else await threads.order(victim, order)
  await threads.replaced(victim, known, REPLACED_WITHIN_MS)
  const { served } = load
  await eventually(() => load.served > served + 20, { deadlineMs: 20_000, what: `answers after ${order}` })
  t.diagnostic(`${order}: others served after ${Math.round(performance.now() - since)} ms`)
  await load.stop()
  assert.deepEqual(await violations(house.evidence), [], order)
  assert.deepEqual([house.gateway.alive, house.gateway.pid], [true, pid], order)
  assert.equal((await threads.living('data')).length, known.length, order)
}

for (const workers of [1, 2]) {
  test(`a worker that throws, exits, runs out of memory or stalls is replaced and loses nothing, with ${workers}`, {
    timeout: scaledTime(120_000),
  }, async (t) => {
    const scene = await build(t, workers)
    for (let round = 0; round < scaled(1); round++) for (const order of DEATHS) await strike(t, scene, order)
  })
}

test('a worker that dies before, within or behind a write to the journal leaves nothing taken or uncharged', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const scene = await build(t, 2)
  for (let round = 0; round < scaled(1); round++) for (const order of DEATHS_AT_WRITE) await strike(t, scene, order)
})

test('a worker that is ended at any instruction leaves nothing taken or uncharged', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const scene = await build(t, 2)
  for (let round = 0; round < scaled(3); round++) await strike(t, scene, 'terminate')
})

test('C11 a promise that nobody waits for is logged, and its worker goes on', { timeout: 60_000 }, async (t) => {
  const { house, threads } = await build(t, 1)
  const victim = await threads.any('data')
  const streams = Array.from({ length: 5 }, () => house.client.start({ model: 'slow-20', stream: true }))
  await eventually(() => streams.every((call) => call.entry.status === 200))
  await threads.order(victim, 'reject')
  await eventually(() => house.gateway.stderr.text.includes('ordered to reject'))
  for (const stream of streams) assert.equal((await stream.result).events.at(-1), '[DONE]')
  assert.deepEqual(await threads.living('data'), [victim])
  assert.deepEqual(await violations(house.evidence), [])
})
