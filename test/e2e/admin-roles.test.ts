import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadKeySchema } from '../../src/config/index.ts'
import { ADMIN_RIGHTS, type AdminRight, RESOURCES } from '../../src/control/index.ts'
import { keyPair } from '../harness/config.ts'
import { isObject, parseJson } from '../harness/json.ts'
import { useHouse } from './house.ts'

/*
 * Who may do what at the control listener, and with which fields: every role against every endpoint of the route table, whole. An
 * endpoint or a field that is not decided here fails the first tests.
 */

/** What each endpoint asks of a token; null: nothing. */
const ENDPOINTS: Readonly<Record<string, AdminRight | null>> = {
  'GET /healthz': null,
  'GET /livez': null,
  'GET /readyz': null,
  'GET /metrics': 'metrics.read',
  'GET /admin/v1/api-keys': 'keys.read',
  'POST /admin/v1/api-keys': 'keys.write',
  'GET /admin/v1/api-keys/{id}': 'keys.read',
  'DELETE /admin/v1/api-keys/{id}': 'keys.write',
  'POST /admin/v1/api-keys/{id}/rotate': 'keys.write',
  'GET /admin/v1/request-logs': 'logs.read',
  'GET /admin/v1/request-logs/{id}': 'logs.read',
  'GET /admin/v1/targets': 'routing.read',
  'POST /admin/v1/route/explain': 'routing.read',
  'POST /admin/v1/policy/explain': 'routing.read',
  'GET /admin/v1/usage': 'usage.read',
  'GET /admin/v1/ledger/counters': 'usage.read',
  'GET /admin/v1/status': 'status.read',
}

/** What may be said of a new key, and what holds it: the maker's grants, its level, or nothing but the schema. */
const NEW_KEY_FIELDS: Readonly<Record<string, 'grant' | 'within' | 'free' | 'refused'>> = {
  id: 'free',
  name: 'free',
  hash: 'refused',
  previous: 'refused',
  enabled: 'refused',
  expires_at: 'grant',
  addresses: 'free',
  tags: 'grant',
  metadata: 'free',
  organization: 'within',
  team: 'within',
  project: 'within',
  user: 'within',
  scopes: 'grant',
  models: 'grant',
  limits: 'grant',
  budgets: 'grant',
  // They only ever narrow what the limits and budgets beside them allow.
  rules: 'free',
}

/** What is told of a key, to whoever may read keys. */
const KEY_ANSWER =
  `id name prefix owner state created_at expires_at revoked_at previous_valid_until last_used_at scopes addresses
  tags metadata models organization team project user limits budgets`.split(/\s+/)

const READS = ADMIN_RIGHTS.filter((right) => right.endsWith('.read'))
const virtual = keyPair('plain')
const role = (id: string, scopes: readonly string[], more: object = {}) => ({ pair: keyPair(id), scopes, more })
const ROLES = [
  role('none', []),
  ...ADMIN_RIGHTS.map((right) => role(right.replace('.', '-'), [right])),
  role('read-only', ['read_only']),
  role('admin-read', ['admin.read']),
  role('admin-write', ['admin.write']),
  role('admin', ['admin']),
  role('bounded', ['admin'], { within: { team: 'search' } }),
  role('off', ['admin'], { enabled: false }),
  role('over', ['admin'], { expires_at: '2020-01-01T00:00:00Z' }),
]
const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  admin: ADMIN_RIGHTS,
  'admin.read': READS,
  read_only: READS,
  'admin.write': ['keys.write'],
}
const GRANTS = {
  scopes: ['chat.completions', 'models.read'],
  models: ['ok', 'demo/*'],
  tags: ['team-*'],
  limits: { requests_per_minute: 60, concurrency: 4 },
  budgets: [{ tokens: 1_000, per: 'day' }],
}
const granter = role('granter', ['keys.read', 'keys.write'], {
  grants: GRANTS,
  within: { organization: 'acme' },
  expires_at: '2099-01-01T00:00:00Z',
})

/** Admins of one level each, and what each may name of the others. */
const WITHIN = [
  [role('of-user', ['keys.read', 'keys.write'], { within: { user: 'ada' } }), { user: 'ada' }],
  [role('of-project', ['keys.read', 'keys.write'], { within: { project: 'web' } }), { project: 'web' }],
  [role('of-team', ['keys.read', 'keys.write'], { within: { team: 'search' } }), { team: 'search' }],
  [role('of-all', ['keys.read', 'keys.write'], { within: { organization: 'acme' } }), { organization: 'acme' }],
] as const
const MEMBERSHIPS: readonly (readonly [string, string, readonly string[]])[] = [
  ['user', 'ada', ['of-user', 'of-all']],
  ['user', 'guest', []],
  ['project', 'web', ['of-project', 'of-team', 'of-all']],
  ['project', 'loose', []],
  ['team', 'search', ['of-project', 'of-team', 'of-all']],
  ['team', 'lone', []],
  ['organization', 'acme', ['of-user', 'of-project', 'of-team', 'of-all']],
]

const house = useHouse({
  otherKeys: [virtual],
  more: {
    organizations: [{ id: 'acme' }, { id: 'other' }],
    teams: [{ id: 'search', organization: 'acme' }, { id: 'far', organization: 'other' }, { id: 'lone' }],
    projects: [{ id: 'web', team: 'search' }, { id: 'loose' }],
    users: [{ id: 'ada', organization: 'acme' }, { id: 'guest' }],
    control: {
      listen: '127.0.0.1:0',
      admins: [...ROLES, granter, ...WITHIN.map(([admin]) => admin)].map(({ pair: { id, hash }, scopes, more }) => ({
        id,
        hash,
        scopes,
        ...more,
      })),
    },
  },
})

async function ask(token: string | null, method: string, path: string, body?: unknown) {
  const answer = await fetch(`${house().gateway.controlUrl}${path}`, {
    method,
    headers: {
      connection: 'close',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const json = parseJson(await answer.text())
  return { status: answer.status, json, code: isObject(json) && isObject(json.error) ? json.error.code : null }
}

const owner = () => readFileSync(join(house().gateway.dataDir, 'admin-token'), 'utf8').trim()
const nameOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`

test('A10 every endpoint of the route table is decided, and asks for what was decided', () => {
  assert.deepEqual(Object.fromEntries(RESOURCES.map((each) => [nameOf(each), each.right])), ENDPOINTS)
  for (const { path, access, right } of RESOURCES) assert.equal(access === 'open', right === null, path)
})

test('A10 every role gets to the endpoints that it has the right for, and to no other', async () => {
  for (const { pair, scopes, more } of ROLES) {
    const rights = scopes.flatMap((scope) => RIGHTS[scope] ?? [scope])
    const isBounded = 'within' in more
    for (const [name, right] of Object.entries(ENDPOINTS)) {
      const [method = '', path = ''] = name.split(' ')
      const body = method === 'POST' ? {} : undefined
      const { status, code } = await ask(pair.secret, method, path.replace('{id}', 'nothing-of-this-id'), body)
      const about = `${pair.id} at ${name}: ${status} ${String(code)}`
      // From this machine metrics are read without a token, so that a wrong one is no matter.
      const isFree = right === null || right === 'metrics.read'
      if (isFree) assert.ok(status < 400, about)
      else if (pair.id === 'off' || pair.id === 'over') assert.ok(status === 401 || status === 429, about)
      else if (!rights.includes(right) || (isBounded && !right.startsWith('keys.'))) {
        assert.deepEqual([status, code], [403, 'insufficient_scope'], about)
      } else assert.ok([200, 201, 400, 404].includes(status) || code === 'grant_exceeded', about)
    }
  }
})

test('A13 keys of clients are nothing here, and tokens of admins nothing on the data listener', async () => {
  for (const [name, right] of Object.entries(ENDPOINTS)) {
    const [method = '', path = ''] = name.split(' ')
    if (right === null || right === 'metrics.read') continue
    for (const token of [virtual.secret, null]) {
      const { status } = await ask(token, method, path.replace('{id}', 'x'), method === 'POST' ? {} : undefined)
      assert.ok(status === 401 || status === 429, `${name}: ${status}`)
    }
  }
  for (const secret of [owner(), granter.pair.secret]) {
    assert.equal((await house().client.chat({ secret })).status, 401)
  }
})

test('A11 every field of a new key is decided; what the gateway makes itself, or does not know, is refused', async () => {
  const { key } = await loadKeySchema()
  assert.deepEqual(Object.keys(key.shape).sort(), Object.keys(NEW_KEY_FIELDS).sort())
  const refused = Object.entries(NEW_KEY_FIELDS).flatMap(([name, by]) => (by === 'refused' ? [name] : []))
  for (const name of [
    ...refused,
    'role',
    'is_admin',
    'tenant',
    'admin',
    'created_at',
    'revoked_at',
    'owner',
    'prefix',
  ]) {
    for (const value of [true, 'admin', { a: 1 }, ['x']]) {
      const { status, code } = await ask(owner(), 'POST', '/admin/v1/api-keys', { [name]: value })
      assert.deepEqual([status, code], [400, 'invalid_request'], name)
    }
  }
  for (const body of [
    { models: { allowed: ['*'] } },
    { limits: { rpm: 9 } },
    [{ id: 'x' }],
    { budgets: [{ usd: 1, per: 'day', spent: 0 }] },
  ]) {
    assert.equal((await ask(owner(), 'POST', '/admin/v1/api-keys', body)).status, 400, JSON.stringify(body))
  }
})

const FULL = {
  organization: 'acme',
  scopes: ['chat.completions'],
  models: { allow: ['ok'] },
  tags: ['team-a'],
  limits: { requests_per_minute: 60, concurrency: 4 },
  budgets: [{ tokens: 1_000, per: 'day' }],
  expires_at: '2098-01-01T00:00:00Z',
}

test('A12 nobody gives more than it may: each field alone is refused, and what is within is made', async () => {
  const { pair } = granter
  const made = await ask(pair.secret, 'POST', '/admin/v1/api-keys', { ...FULL, id: 'within' })
  assert.equal(made.status, 201, JSON.stringify(made.json))
  const less = {
    ...FULL,
    team: 'search',
    models: { allow: ['demo/demo-*'] },
    limits: { requests_per_minute: 1, concurrency: 1 },
  }
  assert.equal((await ask(pair.secret, 'POST', '/admin/v1/api-keys', less)).status, 201)
  const more: Readonly<Record<string, readonly unknown[]>> = {
    organization: [undefined, 'other'],
    scopes: [undefined, [], ['embeddings.create'], ['chat.completions', 'files.manage']],
    models: [undefined, { allow: ['*'] }, { allow: ['ok', 'o*'] }, { deny: ['ok'] }, { allow: ['demo*'] }],
    tags: [['admin'], ['team-a', 'x']],
    limits: [undefined, { requests_per_minute: 61, concurrency: 4 }, { requests_per_minute: 60 }, { concurrency: 1 }],
    budgets: [
      undefined,
      [],
      [{ tokens: 1_001, per: 'day' }],
      [{ tokens: 1_000, per: 'week' }],
      [{ usd: 1, per: 'day' }],
    ],
    expires_at: [undefined, '2099-01-01T00:00:01Z'],
    team: ['far'],
  }
  const before = Object((await ask(owner(), 'GET', '/admin/v1/api-keys')).json).data.length
  for (const [field, values] of Object.entries(more)) {
    assert.notEqual(NEW_KEY_FIELDS[field], 'free', field)
    for (const value of values) {
      const { [field as keyof typeof FULL]: _own, ...rest } = FULL
      const { status, code } = await ask(pair.secret, 'POST', '/admin/v1/api-keys', { ...rest, [field]: value })
      const about = `${field}: ${JSON.stringify(value)}`
      if (field === 'team') assert.ok([400, 403].includes(status), about)
      else assert.deepEqual([status, code], [403, 'grant_exceeded'], about)
    }
  }
  assert.equal(Object((await ask(owner(), 'GET', '/admin/v1/api-keys')).json).data.length, before)
})

test('A12 an admin of one level names no level beside it, of whatever kind', async () => {
  for (const [{ pair }, own] of WITHIN) {
    for (const [field, level, who] of MEMBERSHIPS) {
      const answer = await ask(pair.secret, 'POST', '/admin/v1/api-keys', { ...own, [field]: level })
      const about = `${pair.id} makes a key in ${field} ${level}: ${JSON.stringify(answer.json)}`
      assert.equal(answer.status, who.includes(pair.id) ? 201 : 403, about)
      if (answer.status !== 201) assert.equal(answer.code, 'grant_exceeded', about)
    }
  }
  await ask(owner(), 'POST', '/admin/v1/api-keys', { id: 'of-both', user: 'ada', team: 'lone' })
  const secret = WITHIN[0][0].pair.secret
  const rotated = await ask(secret, 'POST', '/admin/v1/api-keys/of-both/rotate', {})
  assert.deepEqual([rotated.status, rotated.code], [403, 'grant_exceeded'], 'its secret uses the other level')
  assert.equal((await ask(secret, 'DELETE', '/admin/v1/api-keys/of-both')).status, 200)
})

test('A9 A12 a key of another level is not there, and one with more rights is not rotated', async () => {
  const { pair } = granter
  await ask(owner(), 'POST', '/admin/v1/api-keys', { id: 'theirs', organization: 'other' })
  await ask(owner(), 'POST', '/admin/v1/api-keys', { id: 'stronger', team: 'search' })
  const { json } = await ask(pair.secret, 'GET', '/admin/v1/api-keys')
  const ids = Object(json).data.map(({ id }: { id: string }) => id)
  assert.ok(ids.includes('stronger') && !ids.includes('theirs') && !ids.includes('dev'), ids.join())
  for (const [method, path, body] of [
    ['GET', 'theirs', undefined],
    ['DELETE', 'theirs', undefined],
    ['POST', 'theirs/rotate', {}],
    ['GET', 'no-such-key', undefined],
  ] as const) {
    const answer = await ask(pair.secret, method, `/admin/v1/api-keys/${path}`, body)
    assert.deepEqual([answer.status, answer.code], [404, 'not_found'], path)
  }
  const rotated = await ask(pair.secret, 'POST', '/admin/v1/api-keys/stronger/rotate', {})
  assert.deepEqual([rotated.status, rotated.code], [403, 'grant_exceeded'])
  assert.equal((await ask(pair.secret, 'POST', '/admin/v1/api-keys/within/rotate', {})).status, 200)
  assert.equal((await ask(pair.secret, 'DELETE', '/admin/v1/api-keys/within')).status, 200)
  assert.equal(Object((await ask(owner(), 'GET', '/admin/v1/api-keys/theirs')).json).key.state, 'active')
})

test('A15 what is told of a key is what was decided, to every role, and no hash', async () => {
  for (const { pair, scopes } of ROLES) {
    if (!scopes.some((scope) => (RIGHTS[scope] ?? [scope]).includes('keys.read'))) continue
    const { json, status } = await ask(pair.secret, 'GET', '/admin/v1/api-keys')
    if (status !== 200) continue
    for (const key of Object(json).data) assert.deepEqual(Object.keys(key).sort(), [...KEY_ANSWER].sort(), pair.id)
    assert.ok(!/sha256:|hash|secret/.test(JSON.stringify(json)), pair.id)
  }
})
