import assert from 'node:assert/strict'
import { globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { House } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { BIG_BUDGET, budgetOf } from './budget-metrics.ts'

const [library = null] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')
const inCi = process.env.CI === 'true'
const skip = library === null && !inCi ? 'libfaketime is not installed (Debian: apt-get install faketime)' : false

/** The wall clock of a gateway, in UTC, settable while it runs; its monotonic clock stays the machine's. */
class FalseClock {
  readonly #directory = mkdtempSync(join(tmpdir(), 'ferro-clock-'))
  readonly #file = join(this.#directory, 'now')

  constructor(t: TestContext, time: string) {
    this.set(time)
    t.after(() => {
      rmSync(this.#directory, { recursive: true, force: true })
    })
  }

  /** Environment of the process that shall live by this clock. */
  get env(): Readonly<Record<string, string>> {
    assert.ok(library, 'libfaketime is needed (Debian: apt-get install faketime)')
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      TZ: 'UTC',
    }
  }

  /** From now on it is this time, `YYYY-MM-DD hh:mm:ss`, and time goes on from there. */
  set(time: string): void {
    writeFileSync(`${this.#file}.draft`, `@${time}\n`)
    renameSync(`${this.#file}.draft`, this.#file)
  }
}

/** Month of the reservation and tokens of every ledger row of one phase, in the order of reservation. */
function ledgerOf(house: House, phase: 'reserve' | 'settle'): { month: string; tokens: number }[] {
  const database = new DatabaseSync(house.gateway.databasePath, { readOnly: true, timeout: 5_000 })
  try {
    const rows = database.prepare('SELECT phase, reserved_at, tokens FROM ledger ORDER BY reserved_at').all()
    const index = phase === 'reserve' ? 0 : 1
    return rows
      .filter((row) => Number(row.phase) === index || row.phase === phase)
      .map((row) => ({
        month: new Date(Number(row.reserved_at)).toISOString().slice(0, 7),
        tokens: Number(row.tokens),
      }))
  } finally {
    database.close()
  }
}

const reservedNow = async (house: House) => (await budgetOf(house.gateway)).reserved

test('B6 what was reserved before the turn of the month and settled after it belongs to the old month', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const clock = new FalseClock(t, '2026-11-30 23:59:00')
  const house = await House.build({
    models: ['ok', 'barrier', 'barrier-mid'],
    key: BIG_BUDGET,
    more: { workers: 2 },
    gateway: { env: clock.env },
  })
  t.after(() => house.close())
  const open = [
    house.client.start({ model: 'barrier-mid', stream: true }),
    house.client.start({ model: 'barrier' }),
    house.client.start({ model: 'barrier' }),
  ]
  await house.wall.waitForRequests(3)
  assert.ok((await reservedNow(house)) > 0)
  clock.set('2026-12-01 00:00:05')
  // The new month begins empty, although the old one has reservations.
  assert.deepEqual(await budgetOf(house.gateway), { used: 0, reserved: 0, limit: 1_000_000_000 })
  assert.equal((await house.client.chat()).status, 200)
  house.wall.release()
  await Promise.all(open.map((call) => call.result))
  await eventually(() => ledgerOf(house, 'settle').length === 4)
  const [first, second, third, ...december] = ledgerOf(house, 'settle')
  for (const row of [first, second, third]) assert.deepEqual(row, { month: '2026-11', tokens: 11 })
  assert.deepEqual(december, [{ month: '2026-12', tokens: 11 }])
  assert.deepEqual(await budgetOf(house.gateway), { used: 11, reserved: 0, limit: 1_000_000_000 })
  const { metrics: _ofDecember, ...evidence } = house.evidence
  assert.deepEqual(await violations(evidence), [])
})

test('a kill before the turn of the month and a start after it charges the old month', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const clock = new FalseClock(t, '2026-11-30 23:59:00')
  const house = await House.build({ models: ['ok', 'barrier'], key: BIG_BUDGET, gateway: { env: clock.env } })
  t.after(() => house.close())
  const open = house.client.start({ model: 'barrier' })
  await house.wall.waitForRequests(1)
  const reserved = await reservedNow(house)
  await house.gateway.kill9()
  await open.result
  clock.set('2026-12-01 00:00:05')
  await house.gateway.restart()
  assert.deepEqual(ledgerOf(house, 'settle'), [{ month: '2026-11', tokens: reserved }])
  assert.deepEqual(await budgetOf(house.gateway), { used: 0, reserved: 0, limit: 1_000_000_000 })
  assert.equal((await house.client.chat()).status, 200)
  // The client has its answer before the settlement is written.
  await eventually(async () => (await reservedNow(house)) === 0)
  await house.gateway.kill9()
  await house.gateway.restart()
  assert.equal((await budgetOf(house.gateway)).used, 11, 'December is rebuilt from December alone')
})

test('a used-up day is forgiven at midnight, not before', { skip, timeout: 60_000 }, async (t) => {
  const clock = new FalseClock(t, '2026-11-21 23:58:00')
  const house = await House.build({ key: { budgets: [{ tokens: 300, per: 'day' }] }, gateway: { env: clock.env } })
  t.after(() => house.close())
  const ask = async () => (await house.client.chat({ body: { max_tokens: 8 } })).status
  const statuses: (number | null)[] = []
  while (statuses.at(-1) !== 402 && statuses.length < 60) statuses.push(await ask())
  assert.equal(statuses.at(-1), 402)
  assert.ok(statuses.length > 3)
  clock.set('2026-11-21 23:59:30')
  assert.equal(await ask(), 402)
  clock.set('2026-11-22 00:00:01')
  assert.equal(await ask(), 200)
})
