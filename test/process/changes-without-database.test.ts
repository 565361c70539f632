import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { House } from '../e2e/house.ts'
import { baseConfig, type KeyEntry, keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at, parseJson } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { budgetOf } from './budget-metrics.ts'
import { lockDatabase } from './lock-database.ts'

async function build(t: TestContext, otherKeys: readonly TestKey[] = []): Promise<House> {
  const house = await House.build({ models: ['ok', 'barrier-mid'], otherKeys, more: { workers: 2 } })
  t.after(() => house.close())
  return house
}

function reload(house: House, keys: readonly (TestKey | KeyEntry)[], models: readonly string[]): void {
  house.gateway.writeConfig(baseConfig({ wallUrl: house.wall.url, keys, models, more: { workers: 2 } }))
}

/** Statuses of enough requests that every worker has answered one. */
async function statuses(house: House, key: TestKey, model: string): Promise<string> {
  const client = house.newClient(key)
  const all = await Promise.all(Array.from({ length: 12 }, async () => (await client.chat({ model })).status))
  client.close()
  return [...new Set(all)].join(' ')
}

test('while the database refuses, a file with new budgets changes nothing, which is said, and is taken later', {
  timeout: 120_000,
}, async (t) => {
  const [old, fresh] = [keyPair('old'), keyPair('fresh')]
  const house = await build(t, [old])
  await house.client.chat()
  const unlock = lockDatabase(house.gateway)
  const keys = [house.key, { key: fresh, budgets: [{ tokens: 100_000, per: 'month' }] }]
  // Something must be left to be stored, or a locked database refuses nothing.
  await house.client.chat()
  reload(house, keys, ['ok', 'ok-2'])
  await eventually(() => /not reloaded; the old one stays in force/.test(house.gateway.stderr.text), {
    deadlineMs: 20_000,
  })
  assert.match(house.gateway.stderr.text, /adds budgets, and the database cannot tell what was spent/)
  assert.equal(await statuses(house, house.key, 'ok-2'), '404', 'the old models')
  assert.equal(await statuses(house, old, 'ok'), '200', 'the old keys')
  assert.equal(await statuses(house, fresh, 'ok'), '401')
  unlock()
  await eventually(async () => (await statuses(house, fresh, 'ok-2')) === '200', { deadlineMs: 30_000, everyMs: 100 })
  assert.equal(await statuses(house, old, 'ok'), '401')
})

test('a key that is taken out of the file is refused at once, also while the database refuses', {
  timeout: 60_000,
}, async (t) => {
  const leaked = keyPair('leaked')
  const house = await build(t, [leaked])
  const unlock = lockDatabase(house.gateway)
  t.after(unlock)
  assert.equal(await statuses(house, leaked, 'ok'), '200')
  reload(house, [house.key], ['ok', 'ok-2'])
  await eventually(async () => (await statuses(house, house.key, 'ok-2')) === '200', { deadlineMs: 20_000 })
  assert.equal(await statuses(house, leaked, 'ok'), '401', 'keys and models change together')
})

test('a budget that is added while requests run counts what they use', { timeout: 60_000 }, async (t) => {
  const house = await build(t)
  const held = house.client.start({ model: 'barrier-mid', stream: true })
  await held.head
  await house.client.chat()
  reload(house, [{ key: house.key, budgets: [{ tokens: 1_000_000, per: 'total' }] }], ['ok', 'barrier-mid', 'ok-2'])
  await eventually(async () => (await statuses(house, house.key, 'ok-2')) === '200', { deadlineMs: 20_000 })
  assert.ok((await budgetOf(house.gateway)).used > 0, 'what was stored counts')
  house.wall.release()
  await held.result
  const ledger = () => {
    const rows = readLedger(house.gateway.databasePath).ledger.filter((row) => row.phase === 'settle')
    return { rows: rows.length, tokens: rows.reduce((sum, row) => sum + row.tokens, 0) }
  }
  await eventually(() => ledger().rows >= 14, { what: 'all rows' })
  await eventually(async () => (await budgetOf(house.gateway)).used === ledger().tokens, {
    deadlineMs: 15_000,
    everyMs: 50,
    what: `the counter to be what the ledger says`,
  })
  await house.gateway.stop()
  await house.gateway.restart()
  assert.equal((await budgetOf(house.gateway)).used, ledger().tokens)
})

/** Calls the admin API with the token of the data directory. */
async function admin(house: House, method: string, path: string, body?: object) {
  const token = readFileSync(join(house.gateway.dataDir, 'admin-token'), 'utf8').trim()
  const answer = await fetch(`${house.gateway.controlUrl}/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, json: parseJson(await answer.text()) }
}

async function leakedKey(house: House): Promise<TestKey> {
  const { json } = await admin(house, 'POST', '/api-keys', { id: 'leaked' })
  const key = { id: 'leaked', secret: String(at(json, 'secret')), hash: '' }
  assert.equal(await statuses(house, key, 'ok'), '200')
  return key
}

const revokedAt = (house: House) => {
  using database = house.gateway.db()
  return database.prepare(`SELECT revoked_at FROM keys WHERE id = 'leaked'`).get()?.['revoked_at'] ?? null
}
const pendingFile = (house: House) => join(house.gateway.dataDir, 'pending-revocations.json')

test('C2 a key can be revoked while the database refuses: refused at once, and after a restart', {
  timeout: 120_000,
}, async (t) => {
  const house = await build(t)
  const leaked = await leakedKey(house)
  const unlock = lockDatabase(house.gateway)
  const { status, json } = await admin(house, 'DELETE', '/api-keys/leaked')
  assert.equal(status, 200)
  assert.equal(at(json, 'key', 'state'), 'revoked')
  assert.match(String(at(json, 'warning')), /refused from now on.*a file of the data directory keeps this/)
  assert.equal(await statuses(house, leaked, 'ok'), '401')
  await house.gateway.kill9()
  unlock()
  assert.equal(revokedAt(house), null, 'the database knows nothing of it')
  await house.gateway.restart()
  assert.equal(await statuses(house, leaked, 'ok'), '401')
  assert.notEqual(revokedAt(house), null)
  assert.equal(existsSync(pendingFile(house)), false)
})

test('a revocation that the database did not take is brought to it when it is back', { timeout: 60_000 }, async (t) => {
  const house = await build(t)
  await leakedKey(house)
  const unlock = lockDatabase(house.gateway)
  await admin(house, 'DELETE', '/api-keys/leaked')
  unlock()
  await eventually(() => revokedAt(house) !== null, { deadlineMs: 20_000 })
  await eventually(() => !existsSync(pendingFile(house)))
})

test('a revocation that can be stored nowhere is in force, and its answer says that a restart would undo it', {
  timeout: 60_000,
}, async (t) => {
  const house = await build(t)
  const leaked = await leakedKey(house)
  t.after(lockDatabase(house.gateway))
  mkdirSync(pendingFile(house))
  const { status, json } = await admin(house, 'DELETE', '/api-keys/leaked')
  assert.deepEqual([status, at(json, 'error', 'code')], [503, 'not_stored'])
  assert.match(String(at(json, 'error', 'message')), /after a restart it would be valid again/)
  assert.equal(await statuses(house, leaked, 'ok'), '401')
})
