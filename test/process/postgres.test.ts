import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { House } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { isObject, parseJson } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { PROGRAM } from '../harness/program.ts'
import { PrivatePostgres } from '../servers/private-postgres.ts'
import { serverSuite } from '../servers/servers.ts'
import { BIG_BUDGET } from './budget-metrics.ts'
import { Load, MIXED_MODELS } from './load.ts'

const SECRETS = {
  FERRO_PEPPER: 'pepper of two gateways on one database',
  FERRO_CONTENT_KEY: 'content key of two gateways on one database',
}

serverSuite('postgres', 'gateways on a PostgreSQL database', () => {
  let server: PrivatePostgres
  let house: House
  let other: Gateway
  before(async () => {
    server = await PrivatePostgres.start()
    const storage = { url: server.url() }
    house = await House.build({
      models: [...MIXED_MODELS],
      key: BIG_BUDGET,
      more: { storage },
      gateway: { env: SECRETS },
    })
    other = await Gateway.start({ config: { ...configOf(house), storage }, env: SECRETS })
  })
  after(async () => {
    await other?.close()
    await house?.close()
    await server?.close()
  })

  const dispatched = () => readLedger(server.url()).requests.filter(({ attempts }) => attempts > 0)
  const isAvailable = async () => findSamples(await house.gateway.metrics(), 'ferro_database_available')[0]?.value === 1
  const admin = async (gateway: Gateway, method: string, path: string, body?: object) => {
    const token = readFileSync(`${gateway.dataDir}/admin-token`, 'utf8').trim()
    const answer = await fetch(`${gateway.controlUrl}/admin/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const value = parseJson(await answer.text())
    assert.ok(answer.ok && isObject(value), JSON.stringify(value))
    return value
  }
  const statusOf = async (gateway: Gateway, secret: string) => {
    const answer = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } })
    await answer.arrayBuffer()
    return answer.status
  }

  test('a key that is made, rotated or revoked at one is known to the other within a second', async () => {
    const made = await admin(house.gateway, 'POST', 'api-keys', { id: 'shared' })
    const secret = String(made['secret'])
    assert.equal(await statusOf(house.gateway, secret), 200)
    await eventually(async () => (await statusOf(other, secret)) === 200, { deadlineMs: 1_000, everyMs: 10 })
    const rotated = await admin(other, 'POST', 'api-keys/shared/rotate', {})
    const next = String(rotated['secret'])
    await eventually(async () => (await statusOf(house.gateway, next)) === 200, { deadlineMs: 1_000, everyMs: 10 })
    await admin(other, 'DELETE', 'api-keys/shared')
    await eventually(async () => (await statusOf(house.gateway, next)) === 401, { deadlineMs: 1_000, everyMs: 10 })
  })

  test('a level that is made, changed or removed at one is so at the other within a second', async () => {
    await admin(house.gateway, 'POST', 'teams', { id: 'shared' })
    const made = await admin(house.gateway, 'POST', 'api-keys', { id: 'in-team', team: 'shared' })
    const secret = String(made['secret'])
    const quickly = { deadlineMs: 1_000, everyMs: 10 }
    await eventually(async () => (await statusOf(other, secret)) === 200, quickly)
    await admin(other, 'PATCH', 'teams/shared', { enabled: false })
    assert.equal(await statusOf(other, secret), 403)
    await eventually(async () => (await statusOf(house.gateway, secret)) === 403, quickly)
    await admin(other, 'DELETE', 'api-keys/in-team')
    await admin(other, 'DELETE', 'teams/shared')
    const gone = async () => (await admin(house.gateway, 'GET', 'teams'))['data']
    await eventually(async () => JSON.stringify(await gone()) === '[]', quickly)
    const log = await admin(house.gateway, 'GET', 'audit?target=team:shared')
    assert.match(JSON.stringify(log['data']), /team\.delete.*team\.change.*team\.create/)
  })

  test('B18 while it is gone traffic goes on, and nothing is missing or twice afterwards', {
    timeout: 120_000,
  }, async (t) => {
    const load = new Load(house.client, {}, t)
    await eventually(() => load.served > 20, { deadlineMs: 20_000 })
    for (const end of ['kill', 'stop'] as const) {
      await server[end]()
      await eventually(async () => !(await isAvailable()), { deadlineMs: 30_000, what: 'the loss to be noticed' })
      const { served } = load
      await eventually(() => load.served > served + 50, { deadlineMs: 20_000, what: 'answers without a database' })
      assert.equal((await fetch(`${house.gateway.controlUrl}/readyz`)).status, 200)
      await server.start()
      await eventually(isAvailable, { deadlineMs: 30_000, what: 'the database to be used again' })
    }
    await load.stop()
    assert.deepEqual(load.failed, [])
    assert.deepEqual(await violations(house.evidence, 30_000), [])
    await house.assertUnharmed()
  })

  test('a gateway that is killed settles at its next start what it had open, and only that', {
    timeout: 60_000,
  }, async (t) => {
    const elsewhere = new Load(house.client, { concurrency: 2 }, t)
    const answer = fetch(`${other.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${house.key.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'slow-40', messages: [{ role: 'user', content: 'hello' }] }),
    }).catch(() => null)
    await eventually(() => house.wall.requests.some(({ model }) => model === 'slow-40'), { deadlineMs: 10_000 })
    await delay(20)
    await other.kill9()
    await answer
    await other.restart()
    await elsewhere.stop()
    assert.deepEqual(elsewhere.failed, [])
    await eventually(() => dispatched().length === house.wall.requests.length, {
      deadlineMs: 15_000,
      what: 'one record for each request',
    })
  })

  test('the proof of the books and the usage are read from it', { timeout: 60_000 }, async () => {
    const run = promisify(execFile)
    const { entry, cwd } = { entry: PROGRAM, cwd: house.gateway.dataDir }
    const ferro = async (...args: string[]) => {
      const location = ['--config', house.gateway.configPath, '--data-dir', house.gateway.dataDir, '--format', 'json']
      const { stdout } = await run(process.execPath, [entry, ...args, ...location], {
        cwd,
        env: { ...process.env, ...SECRETS },
      })
      return stdout
    }
    const report = parseJson(await ferro('ledger', 'verify'))
    assert.ok(isObject(report))
    assert.deepEqual([report['differences'], report['attempts']], [[], house.wall.requests.length])
    assert.match(await ferro('usage', '--by', 'model'), /slow-5/)
  })

  test('a start while it is gone says where it was looked for and what to do', { timeout: 60_000 }, async (t) => {
    const url = `postgres://ferro:\${DB_PASSWORD}@127.0.0.1:1/books`
    const gateway = Gateway.launch({
      config: { ...configOf(house), storage: { url } },
      env: { ...SECRETS, DB_PASSWORD: 'very-secret-word' },
    })
    t.after(() => gateway.close())
    const { code } = await gateway.exited
    assert.notEqual(code, 0)
    const said = gateway.stderr.text + gateway.stdout.text
    assert.match(
      said,
      /PostgreSQL at 127\.0\.0\.1:1, database books \(user ferro\) cannot be used.*See that the server runs/,
    )
    assert.ok(!said.includes('very-secret-word'))
  })
})

/** The configuration of a house as it was written. */
function configOf({ gateway }: House) {
  const config = parseJson(readFileSync(gateway.configPath, 'utf8'))
  assert.ok(isObject(config))
  return config
}
