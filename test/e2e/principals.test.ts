import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openLedgerReader } from '../../src/storage/index.ts'
import { adminOf } from '../harness/admin.ts'
import { errorCode } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { PROGRAM } from '../harness/program.ts'
import { AUDIENCE, claimsOf, ISSUER, issuerKey, tokenOf } from '../request-path/issuer.ts'
import { House } from './house.ts'

const SIGNER = await issuerKey('es')
const STRANGER = await issuerKey('es')

const AUTH_DATA = {
  tenants: [
    { id: 'acme', context: { organization_id: 'acme', team_id: 'outside' } },
    { id: 'gone', enabled: false },
  ],
  api_keys: [
    { id: 'one', secret: 'fg-one', tenant: 'acme', scopes: ['chat.completions', 'models.read', 'files.manage'] },
    { id: 'two', secret: 'fg-two', tenant: 'acme', scopes: ['*'] },
    { id: 'bare', secret: 'fg-bare', tenant: 'acme' },
    { id: 'off', secret: 'fg-off', tenant: 'acme', enabled: false, scopes: ['*'] },
    { id: 'lost', secret: 'fg-lost', tenant: 'gone', scopes: ['*'] },
    { id: 'hashed', secret: 'sha256:2d1ab2a9aab1e7a1b0a7a2d8b6a5e9c9d4a8b7f6e5d4c3b2a1908f7e6d5c4b3a', tenant: 'acme' },
  ],
  roles: [
    { id: 'ok-only', permissions: [{ action: 'chat.completions', resource: 'model:ok' }] },
    { id: 'all', permissions: [{ action: '*', resource: '*' }] },
  ],
  bindings: [
    { id: 'one-ok', role_id: 'ok-only', tenant: { organization_id: 'acme' }, subject: { type: 'api_key', id: 'one' } },
    { id: 'two-all', role_id: 'all', subject: { type: 'api_key', id: 'two' } },
    { id: 'elsewhere', role_id: 'all', tenant: { organization_id: 'other' } },
  ],
}

const folder = mkdtempSync(join(tmpdir(), 'ferro-principals-'))
let keys: Server | null = null
let service: ChildProcess | null = null
let serviceUrl = ''
let serviceLog = ''
let house: House | null = null

function running(): House {
  if (house === null) throw new Error('the house is built by a hook')
  return house
}

before(async () => {
  keys = createServer((_req, res) => res.end(JSON.stringify({ keys: [SIGNER.publicJwk] }))).listen(0, '127.0.0.1')
  await once(keys, 'listening')
  const data = join(folder, 'auth.json')
  writeFileSync(data, JSON.stringify(AUTH_DATA))
  const args = [PROGRAM, 'auth', 'serve', '--data', data, '--listen', '127.0.0.1:0']
  service = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  service.stderr?.on('data', (chunk: Buffer) => {
    serviceLog += chunk.toString()
  })
  let said = ''
  service.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  serviceUrl = await eventually(() => /http:\S+/.exec(said)?.[0] ?? null, { what: 'the service to listen' })
  house = await House.build({
    models: ['ok', 'barrier-mid'],
    more: {
      organizations: [{ id: 'acme' }],
      teams: [
        { id: 'search', organization: 'acme', models: { deny: ['barrier-mid'] } },
        {
          id: 'counted',
          organization: 'acme',
          rules: [
            { by: 'principal', limits: { requests_per_day: 1 } },
            { by: 'user', when_absent: 'refuse', limits: { requests_per_day: 2 } },
          ],
        },
      ],
      projects: [{ id: 'web', team: 'search' }],
      users: [
        { id: 'ann', organization: 'acme' },
        { id: 'bob', organization: 'acme' },
      ],
      policies: [{ id: 'no-tests', match: { tags: ['test'] }, deny: 'all' }],
      identity: {
        jwt: [
          {
            issuer: ISSUER,
            audience: AUDIENCE,
            jwks_url: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/keys`,
            map: {
              project: 'project',
              team: 'team',
              user: 'person',
              scopes: 'scope',
              models: 'models',
              tags: 'realm.tags',
            },
          },
        ],
        service: {
          endpoint: serviceUrl,
          timeout: '1s',
          cache: '500ms',
          cache_unknown: '500ms',
          unknown_levels: 'record',
        },
      },
    },
  })
})

after(async () => {
  await house?.close()
  service?.kill('SIGTERM')
  keys?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function chat(secret: string, model = 'ok') {
  const { status, json, entry } = await running().client.chat({ model, secret })
  return { status, code: errorCode(json), id: entry.requestId ?? '' }
}

const GOOD = { scope: 'chat.completions models.read', models: ['*'] }

test('a token stands in the place of a key, in every header, and its claims say where it belongs', async () => {
  const token = await tokenOf(SIGNER, claimsOf({ ...GOOD, project: 'web' }))
  for (const name of ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']) {
    const value = name === 'authorization' ? `Bearer ${token}` : token
    const answer = await fetch(`${running().gateway.url}/v1/models`, { headers: { [name]: value } })
    assert.equal(answer.status, 200, `${name}: ${await answer.text()}`)
  }
  const { status, id } = await chat(token)
  assert.equal(status, 200)
  const record = await eventually(() => {
    using database = running().gateway.db()
    return database.prepare('SELECT * FROM requests WHERE id = ?').get(id) ?? null
  })
  const { key_id: key, project, team, organization } = record
  assert.deepEqual([key, project, team, organization], ['jwt:robot', 'web', 'search', 'acme'])
  assert.deepEqual(await chat(token, 'barrier-mid').then(({ code }) => code), 'model_not_allowed', 'its team denies it')
})

test('A19 what is wrong with a token is refused, and nobody may do what nobody granted', async () => {
  const claims = claimsOf(GOOD)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const none = `${part({ alg: 'none' })}.${part(claims)}.`
  const rows = [
    [await tokenOf(STRANGER, claims), 401, 'invalid_api_key'],
    [`${none}x`, 401, 'invalid_api_key'],
    [none, 401, 'invalid_api_key'],
    [await tokenOf(SIGNER, claimsOf({ ...GOOD, aud: 'others' })), 401, 'invalid_api_key'],
    [await tokenOf(SIGNER, claimsOf({ ...GOOD, iss: 'https://evil.test/' })), 401, 'invalid_api_key'],
    [await tokenOf(SIGNER, claimsOf({ ...GOOD, exp: Math.floor(Date.now() / 1_000) - 60 })), 401, 'invalid_api_key'],
    [await tokenOf(SIGNER, claimsOf({ ...GOOD, nbf: Math.floor(Date.now() / 1_000) + 600 })), 401, 'invalid_api_key'],
    [await tokenOf(SIGNER, claimsOf({ models: ['*'] })), 403, 'insufficient_scope'],
    [await tokenOf(SIGNER, claimsOf({ scope: 'models.read', models: ['*'] })), 403, 'insufficient_scope'],
    [await tokenOf(SIGNER, claimsOf({ scope: 'chat.completions' })), 403, 'model_not_allowed'],
    [await tokenOf(SIGNER, claimsOf({ ...GOOD, scope: 7 })), 401, 'invalid_api_key'],
    [await tokenOf(SIGNER, claimsOf({ ...GOOD, team: 'unknown' })), 403, 'level_disabled'],
    [await tokenOf(SIGNER, claimsOf({ ...GOOD, realm: { tags: ['test'] } })), 403, 'policy_denied'],
    [`${'a'.repeat(3_000)}.${'b'.repeat(3_000)}.c`, 401, 'invalid_api_key'],
  ] as const
  const seen = running().wall.requests.length
  for (const [at, [token, status, code]] of rows.entries()) {
    const answer = await chat(token)
    assert.deepEqual([answer.status, answer.code], [status, code], `row ${at}`)
  }
  assert.equal(running().wall.requests.length, seen)
})

test('rules by principal and by user count who the token is of, whatever a request says of itself', async () => {
  const client = running().client
  const ask = async (sub: string, person?: string, said = {}) => {
    const token = await tokenOf(SIGNER, claimsOf({ ...GOOD, sub, team: 'counted', person }))
    const headers = { 'x-ferro-end-user': `${Math.random()}`, 'x-ferro-session': `${Math.random()}`, ...said }
    const { status, json } = await client.chat({ secret: token, headers, body: { max_tokens: 8 } })
    return { status, code: errorCode(json), told: JSON.stringify(json) }
  }
  assert.equal((await ask('laptop', 'ann')).status, 200)
  const again = await ask('laptop', 'ann', { 'x-ferro-user': 'bob', 'x-ferro-principal': 'other' })
  assert.equal(again.status, 429)
  assert.match(again.told, /the principal \\"jwt:laptop\\" within the team \\"counted\\"/)
  assert.equal((await ask('phone', 'ann')).status, 200, 'another principal of the same user')
  const third = await ask('watch', 'ann')
  assert.equal(third.status, 429)
  assert.match(third.told, /the user \\"ann\\" within the team \\"counted\\"/)
  assert.equal((await ask('watch', 'bob')).status, 200, 'what the user refused took nothing of the principal')
  const nobody = await ask('tv')
  assert.deepEqual([nobody.status, nobody.code], [403, 'insufficient_scope'])
})

test('a token may name a level that the admin API has made, and follows it where it is moved', async () => {
  const ask = adminOf(running().gateway)
  const token = await tokenOf(SIGNER, claimsOf({ ...GOOD, sub: 'mover', team: 'made' }))
  assert.equal((await chat(token)).code, 'level_disabled')
  assert.equal((await ask('POST', 'organizations', { id: 'new' })).status, 201)
  assert.equal((await ask('POST', 'teams', { id: 'made', organization: 'acme' })).status, 201)
  const organizationOf = async () => {
    const { status, id } = await chat(token)
    assert.equal(status, 200)
    return await eventually(() => {
      using database = running().gateway.db()
      return database.prepare('SELECT organization FROM requests WHERE id = ?').get(id)?.organization ?? null
    })
  }
  assert.equal(await organizationOf(), 'acme')
  await ask('PATCH', 'teams/made', { organization: 'new' })
  assert.equal(await organizationOf(), 'new')
})

test('the service answers in the words of its protocol', async () => {
  const ask = async (path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
    const answer = await fetch(`${serviceUrl}${path}`, init)
    return [answer.status, (await answer.json()) as unknown] as const
  }
  assert.deepEqual(await ask('/healthz'), [200, { service: 'ferrogate-auth', status: 'ok' }])
  assert.deepEqual(await ask('/v1/healthz'), [200, { service: 'ferrogate-auth', status: 'ok' }])
  const [, tenants] = await ask('/v1/tenants')
  assert.deepEqual(
    Object(tenants).tenants.map(({ id, enabled }: Record<string, unknown>) => [id, enabled]),
    [
      ['acme', true],
      ['gone', false],
    ],
  )
  const tenant = { organization_id: 'acme', team_id: 'outside', id: 'acme' }
  const subject = { type: 'api_key', id: 'one' }
  const scopes = ['chat.completions', 'models.read', 'files.manage']
  assert.deepEqual(await ask('/v1/auth/resolve-api-key', { presented_key: 'fg-one' }), [
    200,
    { tenant, subject, scopes, api_key_id: 'one' },
  ])
  for (const presented of ['fg-off', 'fg-lost', 'fg-nobody', AUTH_DATA.api_keys[5]?.secret ?? '']) {
    assert.equal((await ask('/v1/auth/resolve-api-key', { presented_key: presented }))[0], 401, presented)
  }
  const about = { tenant, subject, action: 'chat.completions' }
  assert.deepEqual(await ask('/v1/auth/authorize', { ...about, resource: 'model:ok' }), [
    200,
    { allowed: true, tenant, reason: 'matched_rbac_binding' },
  ])
  const denied = { allowed: false, tenant, reason: 'no_matching_rbac_binding' }
  assert.deepEqual(await ask('/v1/auth/authorize', { ...about, resource: 'model:other' }), [200, denied])
  const elsewhere = { ...about, tenant: { organization_id: 'other' }, resource: 'model:ok' }
  assert.equal(Object((await ask('/v1/auth/authorize', elsewhere))[1]).allowed, false, 'a key acts where it is')
  for (const body of [{}, { presented_key: 7 }, [], { presented_key: '' }]) {
    assert.equal((await ask('/v1/auth/resolve-api-key', body))[0], 400)
  }
  assert.equal((await ask('/v1/auth/authorize', undefined, 'GET'))[0], 405)
  assert.equal((await ask('/v1/auth/nothing', {}))[0], 404)
})

test('a key that only the service knows is let in by it, with its scopes and roles alone', async () => {
  const rows = [
    ['fg-one', 'ok', 200, null],
    ['fg-one', 'barrier-mid', 403, 'rbac_denied'],
    ['fg-two', 'ok', 200, null],
    ['fg-bare', 'ok', 403, 'insufficient_scope'],
    ['fg-off', 'ok', 401, 'invalid_api_key'],
    ['fg-lost', 'ok', 401, 'invalid_api_key'],
    ['fg-nobody', 'ok', 401, 'invalid_api_key'],
  ] as const
  for (const turn of [1, 2]) {
    for (const [secret, model, status, code] of rows) {
      const answer = await chat(secret, model)
      assert.deepEqual([answer.status, answer.code ?? null], [status, code], `${secret} ${model}, turn ${turn}`)
    }
  }
  const { id } = await chat('fg-one')
  const record = await eventually(() => {
    using database = running().gateway.db()
    return database.prepare('SELECT key_id, organization, team FROM requests WHERE id = ?').get(id) ?? null
  })
  assert.deepEqual({ ...record }, { key_id: 'service:acme:api_key:one', organization: 'acme', team: 'outside' })
  const reader = await openLedgerReader({ dataDir: running().gateway.dataDir, databaseUrl: null })
  const { differences } = reader.verify(Date.now() + 3 * 86_400_000)
  reader.close()
  assert.deepEqual(
    differences.filter(({ check }) => check === 'levels'),
    [],
    'levels that are only recorded are in both accounts',
  )
  const embed = await fetch(`${running().gateway.url}/v1/files`, {
    method: 'POST',
    headers: { 'x-api-key': 'fg-one', 'content-type': 'multipart/form-data; boundary=x' },
    body: '--x--\r\n',
  })
  assert.deepEqual([embed.status, errorCode(await embed.json())], [403, 'rbac_denied'], 'it asks for every model')
})

test('who is switched off in the file of the service is refused from the first question on', async () => {
  const data = join(folder, 'auth.json')
  const keysWithout = AUTH_DATA.api_keys.map((key) => (key.id === 'two' ? { ...key, enabled: false } : key))
  writeFileSync(data, JSON.stringify({ ...AUTH_DATA, api_keys: keysWithout }))
  await eventually(() => serviceLog.includes('is in force'), { what: 'the file to be read again' })
  const question = { method: 'POST', body: JSON.stringify({ presented_key: 'fg-two' }) }
  assert.equal((await fetch(`${serviceUrl}/v1/auth/resolve-api-key`, question)).status, 401)
})

test('without the service nobody is let in that it knew, within its time, and keys of the gateway are', async () => {
  service?.kill('SIGKILL')
  await eventually(async () => (await chat('fg-one')).status === 503, { what: 'the answers to be forgotten' })
  for (const secret of ['fg-one', 'fg-stranger']) {
    const startedAt = performance.now()
    const answer = await chat(secret)
    assert.deepEqual([answer.status, answer.code], [503, 'external_auth_unavailable'])
    assert.ok(performance.now() - startedAt < 3_000)
  }
  assert.equal((await chat(running().key.secret)).status, 200)
  assert.equal((await chat(await tokenOf(SIGNER, claimsOf(GOOD)))).status, 200)
})
