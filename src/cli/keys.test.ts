import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createControlServer, encodeKey, viewKey } from '../control/index.ts'
import { ADMIN_TOKEN, FakeProcess } from '../control/testing/fake-process.ts'
import { hashKeyWithPepper, openLedgerWriter, readPepper, type StoredKey } from '../storage/index.ts'
import { createFerro } from './testing/ferro.ts'

/** The keys in a data directory that nobody uses. */
async function storedKeys(dataDir: string, databaseUrl: string | null = null): Promise<readonly StoredKey[]> {
  const writer = await openLedgerWriter({ dataDir, databaseUrl })
  try {
    return writer.keys.list()
  } finally {
    writer.close()
  }
}

test('makes a key without a gateway: the secret on standard output, its keyed hash in the database', async (t) => {
  const { run, folder } = createFerro(t)
  const flags = ['--id', 'ci', '--name', 'Build server', '--expires', '2027-01-01', '--requests-per-minute', '60']
  const limits = ['--burst', '5', '--budget-tokens', '1000', '--budget-usd', '0.25', '--per', 'day']
  const models = [
    '--scope',
    'models.read',
    'chat.completions',
    '--allow-model',
    'demo/*',
    '--deny-model',
    'demo/x',
    'y',
  ]
  const { code, stdout, stderr } = await run(['keys', 'create', ...flags, ...limits, ...models])
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^fk-[A-Za-z0-9_-]{43}\n$/)
  const secret = stdout.trim()
  assert.ok(!stderr.includes(secret))
  const dataDir = join(folder, '.ferro')
  const [key, ...others] = await storedKeys(dataDir)
  assert.deepEqual(others, [])
  assert.deepEqual(key, {
    id: 'ci',
    name: 'Build server',
    hash: hashKeyWithPepper(secret, readPepper(dataDir, {})),
    prefix: secret.slice(0, 10),
    enabled: true,
    expires_at: Date.UTC(2027, 0, 1),
    created_at: key?.created_at,
    revoked_at: null,
    scopes: ['models.read', 'chat.completions'],
    models_allow: ['demo/*'],
    models_deny: ['demo/x', 'y'],
    requests_per_minute: 60,
    burst: 5,
    budgets: [
      { unit: 'tokens', limit: 1000, per: 'day' },
      { unit: 'nanos', limit: 250_000_000, per: 'day' },
    ],
  })
})

test('lists keys in a table or as JSON, and revokes them', async (t) => {
  const { run } = createFerro(t)
  const created: unknown = JSON.parse((await run(['keys', 'create', '--id', 'a', '--format', 'json'])).stdout)
  const secret = typeof created === 'object' && created !== null && 'secret' in created ? String(created.secret) : ''
  assert.match(secret, /^fk-/)
  await run(['keys', 'create', '--id', 'b', '--budget-usd', '25', '--expires', '2001-01-01'])
  assert.deepEqual(await run(['keys', 'revoke', 'a']), { code: 0, stdout: 'The key a is revoked.\n', stderr: '' })
  const table = (await run(['keys', 'list'])).stdout
  assert.match(
    table,
    /^ID +NAME +KEY +STATE +OWNER +EXPIRES +RATE +BUDGETS\na +a +fk-\S{7}… +revoked +database +never +- +-\n/,
  )
  assert.match(table, /\nb +b +fk-\S{7}… +expired +database +2001-01-01 00:00 +- +\$25\.00 per month\n$/)
  const json = (await run(['keys', 'list', '--format', 'json'])).stdout
  assert.match(json, /"state": "revoked"/)
  for (const text of [table, json]) assert.ok(!text.includes(secret) && !text.includes('sha256'))
})

test('refuses what cannot be done, with 1, and flags that make no key, with 2', async (t) => {
  const { run, folder } = createFerro(t)
  const rows: readonly [string, number, RegExp][] = [
    ['keys create --burst 5', 2, /limits\.burst: `burst` needs `requests_per_minute`/],
    ['keys create --per day', 2, /--per needs --budget-tokens or --budget-usd/],
    ['keys list', 1, /no data directory .*\.ferro; name the right one with --data-dir/],
  ]
  for (const [line, expected, message] of rows) {
    const { code, stdout, stderr } = await run(line.split(' '))
    assert.deepEqual([code, stdout], [expected, ''], line)
    assert.match(stderr, message)
  }
  assert.ok(!existsSync(join(folder, '.ferro')), 'a refused command leaves nothing behind')
  await run(['keys', 'create', '--id', 'a'])
  const again = await run(['keys', 'create', '--id', 'a'])
  assert.deepEqual([again.code, again.stdout], [1, ''])
  assert.match(again.stderr, /exists already/)
  const none = await run(['keys', 'revoke', 'b'])
  assert.deepEqual(
    [none.code, none.stderr],
    [1, 'error: there is no key with the id "b"; `ferro keys list` shows all\n'],
  )
})

test('finds the data where the configuration says, and leaves the keys of the file to the file', async (t) => {
  const file = `data_dir: ./data\nstorage: { url: "sqlite:\${NAME}" }\nkeys: [{ id: dev, hash: "sha256:${'0'.repeat(64)}" }]\n`
  const { run, folder } = createFerro(t, { 'ferro.yaml': file, 'bad.yaml': 'x: 1\n' })
  const env = { NAME: 'other.db' }
  assert.equal((await run(['keys', 'create', '--id', 'a'], { env })).code, 0)
  assert.equal((await storedKeys(join(folder, 'data'), 'sqlite:other.db'))[0]?.id, 'a')
  assert.match((await run(['keys', 'list'], { env })).stdout, /\ndev .* file .*\na .* database /)
  assert.match(
    (await run(['keys', 'create', '--id', 'dev'], { env })).stderr,
    /configuration file has a key with the id dev/,
  )
  assert.match((await run(['keys', 'revoke', 'dev'], { env })).stderr, /configuration file owns the key dev/)
  assert.match((await run(['keys', 'list'])).stderr, /storage\.url .* environment variable `NAME` is not set/)
  assert.match(
    (await run(['keys', 'list', '--config', 'bad.yaml'])).stderr,
    /bad\.yaml cannot be used.*\nbad\.yaml:1:1: /,
  )
})

test('asks the gateway that runs on the data directory', async (t) => {
  const { run, folder } = createFerro(t)
  const dataDir = join(folder, 'data')
  const args = ['--data-dir', dataDir]
  mkdirSync(dataDir)
  const gateway = new FakeProcess()
  const server = createControlServer(gateway, { host: '127.0.0.1', port: 0, public: false })
  const control = `http://127.0.0.1:${await server.listen()}`
  t.after(() => server.close())
  const writer = await openLedgerWriter({ dataDir, databaseUrl: null })
  t.after(() => writer.close())
  writeFileSync(join(dataDir, 'admin-token'), `${ADMIN_TOKEN}\n`)
  writeFileSync(
    join(dataDir, 'instance.json'),
    JSON.stringify({ pid: process.pid, data: control, control, workers: 1 }),
  )
  const created = await run(['keys', 'create', '--id', 'live', '--budget-tokens', '9', ...args])
  assert.match(created.stdout, /^fk-\S{43}\n$/, created.stderr)
  assert.match(created.stderr, /is in force/)
  assert.deepEqual(writer.keys.list(), [], 'the database is left to the gateway')
  assert.match((await run(['keys', 'list', ...args])).stdout, /\nlive .* 3 of 9 tokens per month\n/)
  const again = await run(['keys', 'create', '--id', 'live', ...args])
  assert.deepEqual([again.code, again.stdout], [1, ''])
  assert.match(again.stderr, /refused: There is a key live already/)
  assert.equal((await run(['keys', 'revoke', 'none', ...args])).code, 1)
  const revoked = await run(['keys', 'revoke', 'live', ...args])
  assert.equal(revoked.stdout, 'The key live is revoked and refused from now on.\n')
  const held = gateway.keys.get('live')
  assert.ok(held !== undefined && encodeKey(viewKey(held.key, 'database'), Date.now()).state === 'revoked')
  writeFileSync(join(dataDir, 'admin-token'), 'a-token-of-another-directory\n')
  const refused = await run(['keys', 'list', ...args])
  assert.deepEqual([refused.code, refused.stdout], [1, ''])
  assert.match(refused.stderr, /needs the admin token/)
})

test('does not send the token to an address that a dead gateway left behind', async (t) => {
  const { run, folder } = createFerro(t)
  const dataDir = join(folder, '.ferro')
  const stranger = new FakeProcess()
  const server = createControlServer(stranger, { host: '127.0.0.1', port: 0, public: false })
  const control = `http://127.0.0.1:${await server.listen()}`
  t.after(() => server.close())
  await run(['keys', 'create', '--id', 'a'])
  writeFileSync(join(dataDir, 'admin-token'), `${ADMIN_TOKEN}\n`)
  writeFileSync(
    join(dataDir, 'instance.json'),
    JSON.stringify({ pid: 2 ** 22 + 1, data: control, control, workers: 1 }),
  )
  assert.equal((await run(['keys', 'create', '--id', 'b'])).code, 0)
  assert.deepEqual(
    (await storedKeys(dataDir)).map(({ id }) => id),
    ['a', 'b'],
  )
  const writer = await openLedgerWriter({ dataDir, databaseUrl: null })
  t.after(() => writer.close())
  const locked = await run(['keys', 'create', '--id', 'c'])
  assert.deepEqual([locked.code, locked.stdout], [1, ''])
  assert.match(locked.stderr, /uses the data directory .* Its control listener does not answer/)
  assert.equal(stranger.keys.size, 0)
})
