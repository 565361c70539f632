import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { House, scaled, scaledTime } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { BIG_BUDGET } from './budget-metrics.ts'

const MODELS = ['ok', 'barrier', 'barrier-mid']

/** A gateway killed with open and settled requests in its journal, and a copy of the data directory as it was then. */
async function killed(t: TestContext): Promise<{ house: House; restore: () => void; segments: () => string[] }> {
  const house = await House.build({ models: MODELS, key: BIG_BUDGET, more: { workers: 1 } })
  t.after(() => house.close())
  const calls = [
    ...Array.from({ length: 6 }, () => house.client.start({ model: 'ok' })),
    ...Array.from({ length: 3 }, () => house.client.start({ model: 'barrier-mid', stream: true })),
    house.client.start({ model: 'barrier' }),
  ]
  await house.wall.waitForRequests(calls.length)
  await Promise.all(calls.slice(0, 6).map((call) => call.result))
  await house.gateway.kill9()
  house.wall.release()
  await Promise.all(calls.map((call) => call.result))
  const copy = mkdtempSync(join(tmpdir(), 'ferro-copy-'))
  t.after(() => {
    rmSync(copy, { recursive: true, force: true })
  })
  const { dataDir } = house.gateway
  cpSync(dataDir, copy, { recursive: true })
  const restore = () => {
    rmSync(dataDir, { recursive: true, force: true })
    cpSync(copy, dataDir, { recursive: true })
  }
  const segments = () => filesOf(dataDir).filter((path) => path.endsWith('.seg'))
  return { house, restore, segments }
}

function filesOf(dataDir: string): string[] {
  return readdirSync(join(dataDir, 'journal')).map((name) => join(dataDir, 'journal', name))
}

test('a journal cut at any byte is read up to there, and no more', { timeout: scaledTime(120_000) }, async (t) => {
  const { house, restore, segments } = await killed(t)
  const { databasePath } = house.gateway
  const [segment = ''] = segments()
  const { size } = statSync(segment)
  assert.ok(size > 1_000, `a segment of ${size} bytes`)
  for (let round = 0; round < scaled(6); round++) {
    restore()
    // The last bytes first (one entry is torn), then anywhere.
    const bytes = round === 0 ? size - 3 : Math.floor(Math.random() * size)
    truncateSync(segment, bytes)
    await house.gateway.restart()
    const metrics = () => house.gateway.metrics()
    assert.deepEqual(await violations({ databasePath, metrics }), [], `cut at ${bytes} of ${size}`)
    assert.equal((await house.client.chat()).status, 200, `cut at ${bytes} of ${size}`)
    await house.gateway.kill9()
  }
})

test('C7 a journal with a flipped byte is set aside with a loud log, and what stands before it counts', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const { house, restore, segments } = await killed(t)
  const { databasePath, dataDir } = house.gateway
  const [segment = ''] = segments()
  const { size } = statSync(segment)
  for (let round = 0; round < scaled(3); round++) {
    restore()
    const bytes = readFileSync(segment)
    const at = Math.floor(size * (0.2 + 0.15 * round))
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at)
    writeFileSync(segment, bytes)
    const from = house.gateway.stderr.text.length
    await house.gateway.restart()
    const metrics = () => house.gateway.metrics()
    assert.deepEqual(await violations({ databasePath, metrics }), [], `flipped at ${at} of ${size}`)
    assert.match(house.gateway.stderr.text.slice(from), /damaged/, `flipped at ${at} of ${size}`)
    assert.ok(
      filesOf(dataDir).some((path) => path.endsWith('.damaged')),
      'the segment is kept for whoever wants to look',
    )
    assert.equal((await house.client.chat()).status, 200)
    await house.gateway.kill9()
  }
})
