import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { House } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { errorCode } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { BIG_BUDGET } from './budget-metrics.ts'
import { Load, MIXED_MODELS } from './load.ts'
import { Threads } from './threads.ts'

const skip = process.getuid?.() === 0 ? false : 'mounting a small file system needs root'

/** A directory that is a file system of its own with this size. */
function smallDisk(t: TestContext, size: string): string {
  const path = mkdtempSync(join(tmpdir(), 'ferro-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { encoding: 'utf8' })
  t.after(() => {
    spawnSync('umount', ['-l', path])
    rmSync(path, { recursive: true, force: true })
  })
  assert.equal(mounted.status, 0, mounted.stderr)
  return path
}

/** Writes a file until no byte is left; returns what frees the space. */
function fill(disk: string): () => void {
  const path = join(disk, 'ballast')
  const file = openSync(path, 'w')
  for (let piece = 65_536; piece >= 1; ) {
    try {
      writeSync(file, Buffer.alloc(piece))
    } catch {
      // No room for a piece of this size; a smaller one may fit.
      piece = Math.floor(piece / 2)
    }
  }
  closeSync(file)
  return () => {
    rmSync(path)
  }
}

test('C6 a full disk stops paid requests and nothing else, and ends by itself when there is space again', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const disk = smallDisk(t, '24m')
  const house = await House.build({
    models: [...MIXED_MODELS, 'barrier-mid'],
    key: BIG_BUDGET,
    more: { workers: 2 },
    gateway: { dataDir: disk },
  })
  t.after(() => house.close())
  const { client, gateway, wall } = house
  const { pid } = gateway
  const held = Array.from({ length: 6 }, () => client.start({ model: 'barrier-mid', stream: true }))
  await eventually(() => held.every((call) => call.received().split('data: ').length > 3))
  const load = new Load(client, {}, t)
  await eventually(() => load.served > 20, { deadlineMs: 20_000, what: 'answers before the disk fills' })
  const free = fill(disk)
  const refused = () => load.results.filter((result) => result.status === 503)
  await eventually(() => refused().length > 200, { deadlineMs: 30_000, what: 'refusals on a full disk' })
  for (const result of refused()) assert.equal(errorCode(result.json), 'journal_unavailable', result.text)
  // Both workers have met the full disk: from here on nothing gets through.
  const seen = wall.requests.length
  const refusals = refused().length
  await eventually(() => refused().length > refusals + 200, { deadlineMs: 30_000, what: 'more refusals' })
  assert.equal(wall.requests.length, seen, 'nothing is dispatched without its entry')
  assert.equal((await client.fetch('/v1/models')).status, 200, 'what costs nothing is served')
  // What is under way ends well, although its settlement has to wait.
  wall.release()
  for (const call of held) assert.equal((await call.result).events.at(-1), '[DONE]')
  free()
  const { served } = load
  await eventually(() => load.served > served + 20, { deadlineMs: 20_000, what: 'answers once there is space' })
  await load.stop()
  assert.deepEqual([gateway.alive, gateway.pid], [true, pid])
  assert.deepEqual(await violations(house.evidence, 15_000), [])
  await gateway.kill9()
  await gateway.restart()
  assert.deepEqual(await violations(house.evidence), [], 'also after a restart')
})

test('a worker that dies on a full disk comes back with the space, and nothing is missing or held', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const threads = new Threads()
  t.after(() => threads.close())
  const disk = smallDisk(t, '24m')
  const house = await House.build({
    models: [...MIXED_MODELS, 'barrier-mid'],
    key: BIG_BUDGET,
    more: { workers: 2 },
    gateway: { dataDir: disk, ...threads.gateway },
  })
  t.after(() => house.close())
  const { client, gateway, wall } = house
  const { pid } = gateway
  const held = Array.from({ length: 12 }, () => client.start({ model: 'barrier-mid', stream: true }))
  await eventually(() => held.every((call) => call.received().split('data: ').length > 3))
  const load = new Load(client, {}, t)
  await eventually(() => load.served > 20, { deadlineMs: 20_000, what: 'answers before the disk fills' })
  const free = fill(disk)
  await eventually(() => load.results.some((result) => result.status === 503), { deadlineMs: 30_000 })
  const victim = await threads.any('data')
  await threads.order(victim, 'throw')
  await eventually(async () => (await threads.living('data')).every((thread) => thread.name !== victim.name), {
    what: 'the end of the worker',
  })
  wall.release()
  await Promise.all(held.map((call) => call.result))
  free()
  const { served } = load
  await eventually(() => load.served > served + 20, { deadlineMs: 20_000, what: 'answers once there is space' })
  await eventually(async () => (await threads.living('data')).length === 2, { deadlineMs: 20_000, what: 'two workers' })
  await load.stop()
  assert.deepEqual([gateway.alive, gateway.pid], [true, pid])
  // What was refused and never dispatched waited for the disk in the memory of the worker that died.
  const log = client.log.filter((entry) => entry.status !== 503)
  assert.deepEqual(await violations({ ...house.evidence, clients: [{ log }] }, 20_000), [])
})
