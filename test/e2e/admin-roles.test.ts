import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ADMIN_RIGHTS, loadKeySchema, loadLevelSchema } from '../../src/config/index.ts'
import { type AdminRight, RESOURCES } from '../../src/control/index.ts'
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
  'PATCH /admin/v1/api-keys/{id}': 'keys.write',
  'DELETE /admin/v1/api-keys/{id}': 'keys.write',
  'POST /admin/v1/api-keys/{id}/rotate': 'keys.write',
  ...Object.fromEntries(
    ['organizations', 'teams', 'projects', 'users'].flatMap((kind) => [
      [`GET /admin/v1/${kind}`, 'levels.read'],
      [`POST /admin/v1/${kind}`, 'levels.write'],
      [`GET /admin/v1/${kind}/{id}`, 'levels.read'],
      [`PATCH /admin/v1/${kind}/{id}`, 'levels.write'],
      [`DELETE /admin/v1/${kind}/{id}`, 'levels.write'],
    ]),
  ),
  'GET /admin/v1/audit': 'audit.read',
  'GET /admin/v1/request-logs': 'logs.read',
  'GET /admin/v1/request-logs/{id}': 'logs.read',
  'GET /admin/v1/targets': 'routing.read',
  'POST /admin/v1/route/explain': 'routing.read',
  'POST /admin/v1/policy/explain': 'routing.read',
  'GET /admin/v1/usage': 'usage.read',
  'GET /admin/v1/ledger/counters': 'usage.read',
  'GET /admin/v1/ledger/adjustments': 'usage.read',
  'POST /admin/v1/ledger/adjustments': 'ledger.write',
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

/** The same of a change of a key: it may be switched off, and keeps its id. */
const CHANGED_KEY_FIELDS = { ...NEW_KEY_FIELDS, id: 'refused', enabled: 'free' } as const

/** The same of a new level, by kind; `rules` and the like only narrow what stands above. */
const LEVEL_FIELDS: Readonly<Record<string, 'within' | 'free'>> = {
  id: 'within',
  name: 'free',
  enabled: 'free',
  organization: 'within',
  team: 'within',
  tags: 'free',
  metadata: 'free',
  models: 'free',
  limits: 'free',
  budgets: 'free',
  rules: 'free',
}

/** What is told of a level. */
const LEVEL_ANSWER =
  `kind id name owner enabled created_at updated_at organization team tags metadata models limits budgets rules`.split(
    ' ',
  )

/** What is told of a key, to whoever may read keys. */
const KEY_ANSWER =
  `id name prefix owner state created_at created_by expires_at revoked_at previous_valid_until last_used_at scopes addresses
  tags metadata models organization team project user limits budgets rules`.split(/\s+/)

const READS = ADMIN_RIGHTS.filter((right) => right.endsWith('.read'))
const WRITES = new Set(['POST', 'PATCH'])
const bodyFor = (method: string) => (WRITES.has(method) ? {} : undefined)
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
  'admin.write': ['keys.write', 'levels.write', 'ledger.write'],
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
const RW = ['keys.read', 'keys.write', 'levels.read', 'levels.write']
const WITHIN = [
  [role('of-user', RW, { within: { user: 'ada' } }), { user: 'ada' }],
  [role('of-project', RW, { within: { project: 'web' } }), { project: 'web' }],
  [role('of-team', RW, { within: { team: 'search' } }), { team: 'search' }],
  [role('of-all', RW, { within: { organization: 'acme' } }), { organization: 'acme' }],
] as const
/** Levels by their path and what they name, and who of them may make such a one. */
const PLACES: readonly (readonly [string, object, readonly string[]])[] = [
  ['organizations', {}, []],
  ['teams', {}, []],
  ['teams', { organization: 'acme' }, ['of-all']],
  ['teams', { organization: 'other' }, []],
  ['projects', {}, []],
  ['projects', { organization: 'acme' }, ['of-all']],
  ['projects', { team: 'search' }, ['of-team', 'of-all']],
  ['projects', { team: 'search', organization: 'acme' }, ['of-team', 'of-all']],
  ['projects', { team: 'far' }, []],
  ['projects', { team: 'lone' }, []],
  ['users', {}, []],
  ['users', { organization: 'acme' }, ['of-all']],
  ['users', { organization: 'other' }, []],
]
const limited = role('limited', RW, {
  within: { team: 'search' },
  grants: { keys: 2, level_budgets: [{ tokens: 1_000, per: 'day' }] },
})
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
    projects: [
      { id: 'web', team: 'search' },
      { id: 'loose' },
      { id: 'paid', team: 'search', budgets: [{ tokens: 900, per: 'day' }] },
    ],
    users: [{ id: 'ada', organization: 'acme' }, { id: 'guest' }],
    policies: [{ id: 'all-but', except: { teams: ['vip-*'], keys: ['vip'] }, deny: { tools: ['none'] } }],
    control: {
      listen: '127.0.0.1:0',
      admins: [...ROLES, granter, limited, ...WITHIN.map(([admin]) => admin)].map(
        ({ pair: { id, hash }, scopes, more }) => ({
          id,
          hash,
          scopes,
          ...more,
        }),
      ),
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
      const { status, code } = await ask(
        pair.secret,
        method,
        path.replace('{id}', 'nothing-of-this-id'),
        bodyFor(method),
      )
      const about = `${pair.id} at ${name}: ${status} ${String(code)}`
      // From this machine metrics are read without a token, so that a wrong one is no matter.
      const isFree = right === null || right === 'metrics.read'
      if (isFree) assert.ok(status < 400, about)
      else if (pair.id === 'off' || pair.id === 'over') assert.ok(status === 401 || status === 429, about)
      else if (!rights.includes(right) || (isBounded && !/^(?:keys|levels)\./.test(right))) {
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
      const { status } = await ask(token, method, path.replace('{id}', 'x'), bodyFor(method))
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
  const [path, held] = ['/admin/v1/api-keys/within', () => ask(owner(), 'GET', '/admin/v1/api-keys/within')]
  const unchanged = (await held()).json
  for (const [field, values] of Object.entries(more)) {
    assert.notEqual(NEW_KEY_FIELDS[field], 'free', field)
    for (const value of values) {
      // As a change of a key that it has made: what is taken back is what it was not allowed to leave out.
      const patched = await ask(pair.secret, 'PATCH', path, { [field]: replacing(field, value) })
      assert.ok(
        patched.status === 403 || (field === 'team' && patched.status === 400),
        `${field}: ${JSON.stringify(value)}`,
      )
      assert.deepEqual((await held()).json, unchanged)
      const { [field as keyof typeof FULL]: _own, ...rest } = FULL
      const { status, code } = await ask(pair.secret, 'POST', '/admin/v1/api-keys', { ...rest, [field]: value })
      const about = `${field}: ${JSON.stringify(value)}`
      if (field === 'team') assert.ok([400, 403].includes(status), about)
      else assert.deepEqual([status, code], [403, 'grant_exceeded'], about)
    }
  }
  assert.equal(Object((await ask(owner(), 'GET', '/admin/v1/api-keys')).json).data.length, before)
})

/** What makes this of a member in a change, whatever it was. */
function replacing(field: string, value: unknown): unknown {
  const all = { models: { allow: null, deny: null }, limits: { requests_per_minute: null, concurrency: null } }
  if (value === undefined) return null
  return isObject(value) ? { ...all[field as keyof typeof all], ...value } : value // absent for all others
}

test('A11 every field of a change of a key is decided: what is refused is named by its path', async () => {
  const { key } = await loadKeySchema()
  assert.deepEqual(Object.keys(key.shape).sort(), Object.keys(CHANGED_KEY_FIELDS).sort())
  await ask(owner(), 'POST', '/admin/v1/api-keys', { id: 'changing', limits: { requests_per_minute: 5 } })
  const refused = Object.entries(CHANGED_KEY_FIELDS).flatMap(([name, by]) => (by === 'refused' ? [name] : []))
  for (const name of [
    ...refused,
    'role',
    'is_admin',
    'created_at',
    'created_by',
    'revoked_at',
    'owner',
    'prefix',
    'state',
  ]) {
    for (const value of [true, 'admin', { a: 1 }, ['x']]) {
      const { status, code, json } = await ask(owner(), 'PATCH', '/admin/v1/api-keys/changing', { [name]: value })
      assert.deepEqual([status, code], [400, 'invalid_request'], `${name}: ${JSON.stringify(json)}`)
    }
  }
  for (const [body, param] of [
    [{ models: { allowed: ['*'] } }, 'models.allowed'],
    [{ limits: { rpm: 9 } }, 'limits.rpm'],
    [{ limits: { requests_per_minute: null, burst: 3 } }, 'limits.burst'],
    [{ budgets: [{ usd: 1, per: 'day', spent: 0 }] }, 'budgets[0].spent'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ team: 'nowhere' }, 'team'],
    [{ addresses: ['10.0.0.0/99'] }, 'addresses[0]'],
    [{ metadata: { note: 5 } }, 'metadata.note'],
  ] as const) {
    const { status, json } = await ask(owner(), 'PATCH', '/admin/v1/api-keys/changing', body)
    assert.deepEqual([status, Object(json).error.param], [400, param], JSON.stringify(json))
  }
  assert.equal((await ask(owner(), 'PATCH', '/admin/v1/api-keys/changing', [{ name: 'x' }])).status, 400)
})

test('A12 an admin of one level changes keys in it, moves none out of it, and sees no others', async () => {
  for (const [{ pair }, own] of WITHIN) {
    for (const [field, level, who] of MEMBERSHIPS) {
      const id = `moved-${pair.id}-${field}-${level}`
      await ask(owner(), 'POST', '/admin/v1/api-keys', { id, ...own })
      const path = `/admin/v1/api-keys/${id}`
      const about = `${pair.id} moves a key to ${field} ${level}`
      const answer = await ask(pair.secret, 'PATCH', path, { name: 'mine', [field]: level })
      assert.equal(answer.status, who.includes(pair.id) ? 200 : 403, `${about}: ${JSON.stringify(answer.json)}`)
      const [kind = ''] = Object.keys(own)
      const out = await ask(pair.secret, 'PATCH', path, { [kind]: null, project: null, team: null, user: null })
      assert.deepEqual([out.status, out.code], [403, 'grant_exceeded'], `${about}, and out of its own`)
    }
    await ask(owner(), 'POST', '/admin/v1/api-keys', { id: `far-from-${pair.id}`, team: 'far' })
    const far = await ask(pair.secret, 'PATCH', `/admin/v1/api-keys/far-from-${pair.id}`, { name: 'mine' })
    assert.equal(far.status, 404)
  }
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

test('A11 every field of a level is decided; what the gateway makes itself, or does not know, is refused', async () => {
  const { explain: _words, ...schemas } = await loadLevelSchema()
  const fields = new Set(Object.values(schemas).flatMap(({ shape }) => Object.keys(shape)))
  assert.deepEqual([...fields].sort(), Object.keys(LEVEL_FIELDS).sort())
  for (const name of ['kind', 'owner', 'created_at', 'deleted_at', 'hash', 'scopes', 'role', 'is_admin', 'user']) {
    for (const value of [true, 'admin', { a: 1 }, ['x']]) {
      const made = await ask(owner(), 'POST', '/admin/v1/teams', { id: 'odd', [name]: value })
      assert.deepEqual([made.status, made.code], [400, 'invalid_request'], name)
    }
  }
})

test('A12 an admin of one level makes, changes, moves and removes levels below it, and no other', async () => {
  const count = { made: 0 }
  for (const [{ pair }] of WITHIN) {
    for (const [path, place, who] of PLACES) {
      const id = `new-${count.made++}`
      const answer = await ask(pair.secret, 'POST', `/admin/v1/${path}`, { id, ...place })
      const about = `${pair.id} makes one of ${path} in ${JSON.stringify(place)}: ${JSON.stringify(answer.json)}`
      assert.equal(answer.status, who.includes(pair.id) ? 201 : 403, about)
      if (answer.status === 201) {
        for (const field of ['team', 'organization']) {
          const moved = await ask(pair.secret, 'PATCH', `/admin/v1/${path}/${id}`, { [field]: 'far' })
          assert.ok(moved.status === 403 || moved.status === 400, `${about} moves it: ${JSON.stringify(moved.json)}`)
        }
        assert.equal((await ask(pair.secret, 'PATCH', `/admin/v1/${path}/${id}`, { name: 'b' })).status, 200, about)
        assert.equal((await ask(pair.secret, 'DELETE', `/admin/v1/${path}/${id}`)).status, 200, about)
        continue
      }
      assert.equal(answer.code, 'grant_exceeded', about)
      // Made by somebody else it is not there, in whatever way it is asked for.
      await ask(owner(), 'POST', `/admin/v1/${path}`, { id, ...place })
      const isSeen = (await ask(pair.secret, 'GET', `/admin/v1/${path}/${id}`)).status === 200
      for (const [method, body] of [
        ['PATCH', { name: 'mine' }],
        ['DELETE', undefined],
      ] as const) {
        const touched = await ask(pair.secret, method, `/admin/v1/${path}/${id}`, body)
        assert.deepEqual([touched.status, isSeen], [404, false], `${about} ${method}`)
      }
    }
  }
  for (const [{ pair }, own] of WITHIN) {
    const [[kind, id] = ['', '']] = Object.entries(own)
    const path = `/admin/v1/${kind}s/${id}`
    assert.equal((await ask(pair.secret, 'GET', path)).status, 200)
    for (const [method, body] of [
      ['PATCH', { budgets: [] }],
      ['DELETE', undefined],
    ] as const) {
      const answer = await ask(pair.secret, method, path, body)
      assert.deepEqual([answer.status, answer.code], [403, 'grant_exceeded'], `${pair.id} ${method} its own level`)
    }
  }
  const vip = await ask(WITHIN[3][0].pair.secret, 'POST', '/admin/v1/teams', { id: 'vip-1', organization: 'acme' })
  assert.deepEqual([vip.status, vip.code], [403, 'grant_exceeded'], 'a policy makes an exception for that name')
  const key = await ask(WITHIN[3][0].pair.secret, 'POST', '/admin/v1/api-keys', { id: 'vip', organization: 'acme' })
  assert.deepEqual([key.status, key.code], [403, 'grant_exceeded'], 'and for that of a key')
})

test('A12 what an admin’s keys may have together is bounded: by their number, and by a budget that it cannot lift', async () => {
  const make = async (body: object) => await ask(limited.pair.secret, 'POST', '/admin/v1/api-keys', body)
  const outside = await make({ team: 'search' })
  assert.deepEqual([outside.status, outside.code], [403, 'grant_exceeded'], 'no level of it has such a budget')
  // One of its own making is no bound.
  const own = { id: 'own', team: 'search', budgets: [{ tokens: 1, per: 'day' }] }
  assert.equal((await ask(limited.pair.secret, 'POST', '/admin/v1/projects', own)).status, 201)
  assert.equal((await make({ project: 'own' })).code, 'grant_exceeded')
  const first = await make({ id: 'sum-1', project: 'paid' })
  assert.equal(first.status, 201, JSON.stringify(first.json))
  const [second, third] = await Promise.all([
    make({ id: 'sum-2', project: 'paid' }),
    make({ id: 'sum-3', project: 'paid' }),
  ])
  assert.deepEqual([second.status, third.status], [201, 403], 'two at once are counted one after the other')
  assert.equal((await ask(limited.pair.secret, 'DELETE', '/admin/v1/api-keys/sum-1')).status, 200)
  assert.equal((await make({ id: 'sum-4', project: 'paid' })).status, 201)
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
  for (const kind of ['organizations', 'teams', 'projects', 'users']) {
    const { json } = await ask(owner(), 'GET', `/admin/v1/${kind}`)
    assert.ok(Object(json).data.length > 0)
    for (const level of Object(json).data) assert.deepEqual(Object.keys(level).sort(), [...LEVEL_ANSWER].sort(), kind)
  }
})
