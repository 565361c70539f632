import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { Gateway } from '../../test/harness/gateway.ts'
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
  const facts = ['--address', '127.0.0.0/8', '::1', '--tag', 'ci', 'team:search', '--metadata', 'owner=Ada=1']
  const { code, stdout, stderr } = await run(['keys', 'create', ...flags, ...limits, ...models, ...facts])
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
    created_by: 'command-line',
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
    previous_hash: null,
    previous_until: null,
    addresses: ['127.0.0.0/8', '::1'],
    tags: ['ci', 'team:search'],
    metadata: { owner: 'Ada=1' },
    organization: null,
    team: null,
    project: null,
    user: null,
    requests_per_second: null,
    requests_per_day: null,
    tokens_per_minute: null,
    concurrency: null,
  })
})

test('lists keys in a table or as JSON, and revokes them', async (t) => {
  const { run } = createFerro(t)
  const created: unknown = JSON.parse((await run(['keys', 'create', '--id', 'a', '--format', 'json'])).stdout)
  const secret = typeof created === 'object' && created !== null && 'secret' in created ? String(created.secret) : ''
  assert.match(secret, /^fk-/)
  await run(['keys', 'create', '--id', 'b', '--budget-usd', '25', '--expires', '2101-01-01'])
  const past = await run(['keys', 'create', '--id', 'c', '--expires', '2001-01-01'])
  assert.equal(past.code, 2)
  assert.match(past.stderr, /expires_at lies in the past/)
  assert.deepEqual(await run(['keys', 'revoke', 'a']), { code: 0, stdout: 'The key a is revoked.\n', stderr: '' })
  const table = (await run(['keys', 'list'])).stdout
  assert.match(
    table,
    /^ID +NAME +KEY +STATE +OWNER +EXPIRES +RATE +BUDGETS\na +a +fk-\S{7}… +revoked +database +never +- +-\n/,
  )
  assert.match(table, /\nb +b +fk-\S{7}… +active +database +2101-01-01 00:00 +- +\$25 per month\n$/)
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

test('rotates a key without a gateway, and no key that is revoked', async (t) => {
  const { run, folder } = createFerro(t)
  const first = (await run(['keys', 'create', '--id', 'a'])).stdout.trim()
  const rotated = await run(['keys', 'rotate', 'a'])
  assert.match(rotated.stdout, /^fk-\S{43}\n$/, rotated.stderr)
  const dataDir = join(folder, '.ferro')
  const pepper = readPepper(dataDir, {})
  const [key] = await storedKeys(dataDir)
  assert.equal(key?.previous_hash, hashKeyWithPepper(first, pepper))
  assert.equal(key?.hash, hashKeyWithPepper(rotated.stdout.trim(), pepper))
  assert.ok(Math.abs((key?.previous_until ?? 0) - Date.now() - 86_400_000) < 60_000)
  const wrong = await run(['keys', 'rotate', 'a', '--grace', 'later'])
  assert.deepEqual([wrong.code, wrong.stdout], [2, ''])
  await run(['keys', 'revoke', 'a'])
  const late = await run(['keys', 'rotate', 'a'])
  assert.deepEqual([late.code, late.stderr], [1, 'error: the key a is revoked; make a new one\n'])
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

test('asks the gateway that runs on the data directory, and what it changes is in force at once', async (t) => {
  const { run } = createFerro(t)
  const anyPort = '127.0.0.1:0'
  const gateway = await Gateway.start({ config: { listen: anyPort, control: { listen: anyPort }, workers: 1 } })
  t.after(() => gateway.close())
  const args = ['--no-config', '--data-dir', gateway.dataDir]
  const created = await run(['keys', 'create', '--id', 'live', '--budget-tokens', '100000', ...args])
  assert.match(created.stdout, /^fk-\S{43}\n$/, created.stderr)
  assert.match(created.stderr, /is in force/)
  const statusOf = async (secret = created.stdout) => {
    const headers = { authorization: `Bearer ${secret.trim()}` }
    const answer = await fetch(`${gateway.url}/v1/models`, { headers })
    await answer.arrayBuffer()
    return answer.status
  }
  assert.equal(await statusOf(), 200)
  assert.match((await run(['keys', 'list', ...args])).stdout, /\nlive .* 0 of 100000 tokens per month\n/)
  const again = await run(['keys', 'create', '--id', 'live', ...args])
  assert.deepEqual([again.code, again.stdout], [1, ''])
  assert.match(again.stderr, /the gateway at http:\S+ refused: There is a key/)
  assert.equal((await run(['keys', 'revoke', 'none', ...args])).code, 1)
  const rotated = await run(['keys', 'rotate', 'live', '--grace', '1h', ...args])
  assert.match(rotated.stdout, /^fk-\S{43}\n$/, rotated.stderr)
  assert.match(rotated.stderr, /the old one is taken until \d{4}-/)
  assert.equal(await statusOf(), 200, 'in its grace period')
  assert.equal(await statusOf(rotated.stdout), 200)
  await run(['keys', 'rotate', 'live', '--grace', '0s', ...args])
  assert.deepEqual([await statusOf(), await statusOf(rotated.stdout)], [401, 401])
  assert.match((await run(['keys', 'rotate', 'none', ...args])).stderr, /no key with the id "none"/)
  const revoked = await run(['keys', 'revoke', 'live', ...args])
  assert.equal(revoked.stdout, 'The key live is revoked and refused from now on.\n')
  assert.equal(await statusOf(), 401)
  writeFileSync(join(gateway.dataDir, 'admin-token'), 'a-token-of-another-directory\n')
  const refused = await run(['keys', 'list', ...args])
  assert.deepEqual([refused.code, refused.stdout], [1, ''])
  assert.match(refused.stderr, /needs the admin token/)
})

test('sends nothing to an address that a dead gateway left behind', async (t) => {
  const { run, folder } = createFerro(t)
  const dataDir = join(folder, '.ferro')
  let asked = 0
  const stranger = createServer((_req, res) => {
    asked++
    res.end()
  })
  stranger.listen(0, '127.0.0.1')
  await once(stranger, 'listening')
  t.after(() => stranger.close())
  const address = stranger.address()
  assert.ok(typeof address === 'object' && address !== null)
  const control = `http://127.0.0.1:${address.port}`
  await run(['keys', 'create', '--id', 'a'])
  writeFileSync(join(dataDir, 'admin-token'), 'the-token-of-this-directory\n')
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
  assert.equal(asked, 0)
})
