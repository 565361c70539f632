import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AskAdmin, adminOf } from '../harness/admin.ts'
import { errorCode } from '../harness/client.ts'
import { baseConfig, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at } from '../harness/json.ts'
import { House } from './house.ts'

/*
 * Organisations, teams, projects and users that the admin API makes, beside those of the file, in a gateway of two workers.
 */

const FILE = {
  workers: 2,
  overload: { shed: 'off' },
  organizations: [{ id: 'acme' }],
  teams: [{ id: 'filed', organization: 'acme', tags: ['old'] }],
}

const MODELS = [{ name: 'ok', prices: { input: 1, output: 2 } }]

let house: House
let ask: AskAdmin

before(
  async () => {
    house = await House.build({ models: MODELS, more: FILE })
    ask = adminOf(house.gateway)
  },
  { timeout: 30_000 },
)

after(async () => await house.close())

const chat = async (secret: string) => {
  const { status, json, entry } = await house.client.chat({ secret, body: { max_tokens: 8 } })
  return { status, code: errorCode(json), id: entry.requestId ?? '' }
}

/** Many at once, so that both workers are asked. */
const outcomes = async (secret: string) => {
  const all = await Promise.all(Array.from({ length: 8 }, async () => await chat(secret)))
  return [
    ...new Set(all.map(({ status, code }) => (typeof code === 'string' ? `${status} ${code}` : `${status}`))),
  ].join()
}

async function makeKey(body: object): Promise<TestKey> {
  const { json, status } = await ask('POST', 'api-keys', body)
  assert.equal(status, 201, JSON.stringify(json))
  return { id: String(at(json, 'key', 'id')), secret: String(json['secret']), hash: '' }
}

async function made(path: string, body: object) {
  const answer = await ask('POST', path, body)
  assert.equal(answer.status, 201, JSON.stringify(answer.json))
  return answer.json
}

const record = async (id: string) =>
  await eventually(() => {
    using database = house.gateway.db()
    return database.prepare('SELECT * FROM requests WHERE id = ?').get(id) ?? null
  })

test('levels of every kind are made, shown as they are written, and charged for their keys at once', async () => {
  await made('organizations', { id: 'orbit', name: 'Orbit', tags: ['space'], metadata: { owner: 'Ada' } })
  await made('teams', { id: 'probes', organization: 'orbit', budgets: [{ usd: 5.25, per: 'month' }] })
  await made('projects', { id: 'lander', team: 'probes', models: { deny: ['demo/*'] } })
  const user = await made('users', {
    id: 'vera',
    organization: 'orbit',
    limits: { requests_per_minute: 600, burst: 20 },
    budgets: [{ tokens: 5_000, per: 'day', time_zone: 'Europe/Berlin', warn_at: [50] }],
    rules: [{ by: 'end_user', limits: { concurrency: 9 } }],
  })
  assert.partialDeepStrictEqual(user['user'], {
    kind: 'user',
    id: 'vera',
    name: 'vera',
    owner: 'database',
    enabled: true,
    organization: 'orbit',
    team: null,
    limits: { requests_per_minute: 600, burst: 20, concurrency: null },
    budgets: [{ tokens: 5_000, per: 'day', time_zone: 'Europe/Berlin', warn_at: [50], spent: 0, reserved: 0 }],
    rules: [{ by: 'end_user', when_absent: 'ignore', limits: { concurrency: 9 } }],
  })
  const key = await makeKey({ id: 'lander-ci', project: 'lander', user: 'vera' })
  const { status, id } = await chat(key.secret)
  assert.equal(status, 200)
  const { organization, team, project, user: vera } = await record(id)
  assert.deepEqual([organization, team, project, vera], ['orbit', 'probes', 'lander', 'vera'])
  const shown = await ask('GET', 'users/vera')
  assert.equal(at(shown.json, 'user', 'budgets', 0, 'spent'), 11)
  assert.deepEqual(at((await ask('GET', 'organizations/orbit')).json, 'organization', 'metadata'), { owner: 'Ada' })
  assert.equal(at((await ask('GET', 'teams/probes')).json, 'team', 'budgets', 0, 'usd'), 5.25)
})

test('a change is in force in every worker when it is answered, member by member, and null takes one back', async () => {
  await made('teams', { id: 'slow', limits: { requests_per_minute: 600, concurrency: 50 } })
  const { secret } = await makeKey({ id: 'slow-1', team: 'slow' })
  assert.equal(await outcomes(secret), '200')
  assert.equal((await ask('PATCH', 'teams/slow', { enabled: false })).status, 200)
  assert.equal(await outcomes(secret), '403 level_disabled')
  const { json } = await ask('PATCH', 'teams/slow', { enabled: true, limits: { requests_per_minute: null } })
  assert.partialDeepStrictEqual(json['team'], { enabled: true, limits: { requests_per_minute: null, concurrency: 50 } })
  assert.equal(await outcomes(secret), '200')
  await ask('PATCH', 'teams/slow', { models: { deny: ['ok'] } })
  assert.equal(await outcomes(secret), '403 model_not_allowed')
  await ask('PATCH', 'teams/slow', { models: null })
  assert.equal(await outcomes(secret), '200')
  for (const [body, param] of [
    [{ id: 'fast' }, 'id'],
    [{ limits: { rpm: 5 } }, 'limits.rpm'],
    [{ team: 'probes' }, 'team'],
    [{ organization: 'nowhere' }, 'organization'],
    [{ budgets: [{ usd: 1 }] }, 'budgets[0].per'],
    [{ created_at: '2020-01-01T00:00:00Z' }, 'created_at'],
  ] as const) {
    const refused = await ask('PATCH', 'teams/slow', body)
    assert.deepEqual([refused.status, at(refused.json, 'error', 'param')], [400, param], JSON.stringify(refused.json))
  }
  assert.equal((await ask('PATCH', 'teams/nobody', {})).status, 404)
})

test('a budget that a level gets begins with what it has used before', async () => {
  await made('organizations', { id: 'late' })
  const { secret } = await makeKey({ id: 'late-1', organization: 'late' })
  for (let turn = 0; turn < 3; turn++) assert.equal((await chat(secret)).status, 200)
  const changed = await ask('PATCH', 'organizations/late', { budgets: [{ tokens: 34, per: 'day' }] })
  assert.equal(at(changed.json, 'organization', 'budgets', 0, 'spent'), 33)
  assert.deepEqual((await chat(secret)).status, 402)
})

test('what moves is charged where it is then; nothing may be in two places', async () => {
  await made('organizations', { id: 'east' })
  await made('organizations', { id: 'west' })
  await made('teams', { id: 'movers', organization: 'east' })
  const { secret } = await makeKey({ id: 'mover', team: 'movers' })
  assert.equal((await record((await chat(secret)).id))['organization'], 'east')
  assert.equal((await ask('PATCH', 'teams/movers', { organization: 'west' })).status, 200)
  assert.equal((await record((await chat(secret)).id))['organization'], 'west')
  await makeKey({ id: 'settled', team: 'movers', organization: 'west' })
  const split = await ask('PATCH', 'teams/movers', { organization: 'east' })
  assert.deepEqual([split.status, split.code], [409, 'conflict'], JSON.stringify(split.json))
  const twofold = await ask('POST', 'projects', { id: 'both', team: 'movers', organization: 'east' })
  assert.deepEqual([twofold.status, twofold.code], [400, 'invalid_request'])
  for (const body of [{ id: 'x', team: 'nobody' }, { id: 'X' }, { name: 'without id' }, { id: 'x', hash: 'y' }]) {
    assert.equal((await ask('POST', 'projects', body)).status, 400, JSON.stringify(body))
  }
  assert.deepEqual((await ask('POST', 'teams', { id: 'movers' })).code, 'conflict')
})

test('a level is removed when nothing is in it any more', async () => {
  await made('organizations', { id: 'done' })
  await made('teams', { id: 'done', organization: 'done' })
  const { secret } = await makeKey({ id: 'done-1', team: 'done' })
  for (const path of ['organizations/done', 'teams/done']) {
    const refused = await ask('DELETE', path)
    assert.deepEqual([refused.status, refused.code], [409, 'conflict'], JSON.stringify(refused.json))
  }
  assert.equal((await chat(secret)).status, 200)
  await ask('DELETE', 'api-keys/done-1')
  assert.equal((await ask('DELETE', 'teams/done')).json['deleted'], true)
  assert.equal((await ask('GET', 'teams/done')).status, 404)
  assert.equal((await ask('DELETE', 'teams/done')).status, 404)
  assert.equal((await ask('DELETE', 'organizations/done')).status, 200)
  assert.equal((await ask('POST', 'api-keys', { team: 'done' })).status, 400)
})

test('lists come in pages by id, all of them and those with a tag', async () => {
  for (let at = 0; at < 7; at++) await made('users', { id: `u-${at}`, tags: at % 2 === 0 ? ['even'] : [] })
  const ids: string[] = []
  for (let cursor = ''; ; ) {
    const { json } = await ask('GET', `users?limit=3${cursor}`)
    const data = json['data']
    assert.ok(Array.isArray(data) && data.length <= 3)
    ids.push(...data.map((each) => String(at(each, 'id'))))
    const next = json['next_cursor']
    if (typeof next !== 'string') break
    cursor = `&cursor=${next}`
  }
  assert.deepEqual(ids, ['u-0', 'u-1', 'u-2', 'u-3', 'u-4', 'u-5', 'u-6', 'vera'])
  const tagged = (await ask('GET', 'users?tag=even')).json['data']
  assert.ok(Array.isArray(tagged) && tagged.length === 4)
  for (const query of ['limit=0', 'cursor=', 'order=asc', 'limit=1&limit=2']) {
    assert.equal((await ask('GET', `users?${query}`)).status, 400, query)
  }
})

test('levels of the file are shown and not changed, and are parents of those of the database', async () => {
  const shown = (await ask('GET', 'teams/filed')).json
  assert.partialDeepStrictEqual(shown['team'], { owner: 'file', organization: 'acme', tags: ['old'], created_at: null })
  for (const [method, path, body, code] of [
    ['PATCH', 'teams/filed', { enabled: false }, 'read_only'],
    ['DELETE', 'teams/filed', undefined, 'read_only'],
    ['POST', 'teams', { id: 'filed' }, 'conflict'],
  ] as const) {
    const answer = await ask(method, path, body)
    assert.deepEqual([answer.status, answer.code], [409, code], path)
  }
  await made('projects', { id: 'below-file', team: 'filed' })
  const { secret } = await makeKey({ id: 'below', project: 'below-file' })
  const { organization, team } = await record((await chat(secret)).id)
  assert.deepEqual([organization, team], ['acme', 'filed'])
})

test('a level that the file takes up is the file’s as long as it stands there, and the database’s again after', {
  timeout: 60_000,
}, async () => {
  await made('teams', { id: 'shared', enabled: false })
  const { secret } = await makeKey({ id: 'shared-1', team: 'shared' })
  assert.equal(await outcomes(secret), '403 level_disabled')
  const reload = async (more: object, owner: string) => {
    const parts = { wallUrl: house.wall.url, keys: [house.key], models: MODELS, more: { ...FILE, ...more } }
    house.gateway.writeConfig(baseConfig(parts))
    house.gateway.signal('SIGHUP')
    await eventually(async () => at((await ask('GET', 'teams/shared')).json, 'team', 'owner') === owner, {
      deadlineMs: 20_000,
    })
  }
  await reload({ teams: [...FILE.teams, { id: 'shared' }] }, 'file')
  assert.equal(await outcomes(secret), '200')
  assert.equal((await ask('PATCH', 'teams/shared', { enabled: true })).code, 'read_only')
  assert.match(house.gateway.stderr.text, /level of the database is in the configuration file too/)
  await reload({}, 'database')
  assert.equal(await outcomes(secret), '403 level_disabled')
  await house.gateway.stop()
  await house.gateway.restart()
  assert.equal(await outcomes(secret), '403 level_disabled')
  assert.equal(at((await ask('GET', 'users/vera')).json, 'user', 'budgets', 0, 'spent'), 11)
  assert.equal((await chat(house.key.secret)).status, 200)
})
