import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCode } from '../harness/client.ts'
import { keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { findSamples } from '../harness/metrics.ts'
import { House, scaledTime } from './house.ts'

const LEVELS = {
  organizations: [{ id: 'acme', budgets: [{ tokens: 1_000_000, per: 'week', time_zone: 'Europe/Berlin' }] }],
  teams: [
    { id: 'search', organization: 'acme' },
    { id: 'closed', enabled: false },
    { id: 'busy', limits: { concurrency: 2 } },
    { id: 'slow', limits: { requests_per_day: 2 } },
    { id: 'few', limits: { tokens_per_minute: 1_000 } },
  ],
  projects: [
    { id: 'web', team: 'search', models: { allow: ['ok'] } },
    { id: 'poor', team: 'search', budgets: [{ tokens: 1, per: 'day' }] },
  ],
  users: [{ id: 'ann', organization: 'acme', models: { deny: ['barrier-mid'] } }],
}

const web = keyPair('web')
const poor = keyPair('poor')
const closed = keyPair('closed')
const slow = [keyPair('slow-1'), keyPair('slow-2')] as const
const busy = keyPair('busy')
const few = keyPair('few')

const CONFIG = {
  models: ['ok', 'barrier', 'barrier-mid'],
  otherKeys: [
    { key: web, project: 'web', user: 'ann' },
    { key: poor, project: 'poor' },
    { key: closed, team: 'closed' },
    { key: slow[0], team: 'slow', limits: { requests_per_minute: 60 } },
    { key: slow[1], team: 'slow' },
    { key: busy, team: 'busy', limits: { requests_per_minute: 3 } },
    { key: few, team: 'few' },
  ],
}

test('every level of a key decides, the answer names it, and the record knows them all', async () => {
  const house = await House.build({ ...CONFIG, more: LEVELS })
  try {
    const ask = (key: TestKey, model = 'ok') =>
      house.client.chat({ model, secret: key.secret, body: { max_tokens: 8 } })
    const told = async (key: TestKey, model?: string) => {
      const { status, json } = await ask(key, model)
      return { status, code: errorCode(json), message: JSON.stringify(json) }
    }
    const good = await ask(web)
    assert.equal(good.status, 200)
    const record = await eventually(() => {
      using database = house.gateway.db()
      return database.prepare('SELECT * FROM requests WHERE id = ?').get(good.entry.requestId) ?? null
    })
    assert.deepEqual(
      [record['organization'], record['team'], record['project'], record['user'], record['key_id']],
      ['acme', 'search', 'web', 'ann', 'web'],
    )

    const rows = [
      [closed, 'ok', 403, 'level_disabled', /team \\"closed\\"/],
      [web, 'barrier', 403, 'model_not_allowed', /project \\"web\\"/],
      [web, 'barrier-mid', 403, 'model_not_allowed', /(?:project \\"web\\"|user \\"ann\\")/],
      [poor, 'ok', 402, 'insufficient_quota', /project \\"poor\\" of this API key \(1 tokens per day\)/],
    ] as const
    for (const [key, model, status, code, message] of rows) {
      const answer = await told(key, model)
      assert.deepEqual([answer.status, answer.code], [status, code])
      assert.match(answer.message, message)
    }
    // The organisation is charged for what came through, and not for what another level refused.
    const used = findSamples(await house.gateway.metrics(), 'ferro_budget_used', { level: 'organization:acme' })
    assert.deepEqual(
      used.map(({ value, labels }) => [value, labels['time_zone']]),
      [[11, 'Europe/Berlin']],
    )
  } finally {
    await house.close()
  }
})

test('a target is for the levels that it is kept for, a rule asks for those of the key, and others see no such model', async () => {
  const wall = (model: string, more: object = {}) => ({ provider: 'wall', model, ...more })
  const models = {
    theirs: { targets: [wall('ok', { visible_to: ['team:search'] })] },
    shared: { targets: [wall('ok-5', { visible_to: ['organization:ac*', 'key:few'] }), wall('ok')] },
    ruled: {
      strategy: {
        type: 'conditional',
        rules: [{ when: { organization: 'acme', user: 'ann' }, use: 'far' }],
        otherwise: 'near',
      },
      targets: [wall('ok', { label: 'near' }), wall('ok-5', { label: 'far' })],
    },
  }
  const projects = [{ id: 'web', team: 'search' }, LEVELS.projects[1]]
  const house = await House.build({ ...CONFIG, more: { ...LEVELS, projects, models } })
  try {
    const served = async (key: TestKey, model: string) => {
      const { status, headers } = await house.client.chat({ model, secret: key.secret, body: { max_tokens: 8 } })
      return status === 200 ? headers['x-ferro-model'] : status
    }
    const asked = [web, few, busy].map(async (key) => [
      await served(key, 'theirs'),
      await served(key, 'shared'),
      await served(key, 'ruled'),
    ])
    assert.deepEqual(await Promise.all(asked), [
      ['wall/ok', 'wall/ok-5', 'wall/ok-5'],
      [403, 'wall/ok-5', 'wall/ok'],
      [403, 'wall/ok', 'wall/ok'],
    ])
    const listed = async ({ secret }: TestKey) => {
      const answer = await fetch(`${house.gateway.url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } })
      return (await answer.text()).includes('"theirs"')
    }
    assert.deepEqual([await listed(web), await listed(few)], [true, false])
  } finally {
    await house.close()
  }
})

test('limits of a team count its keys together; what a later limit refuses is given back to the earlier ones', async () => {
  const house = await House.build({ ...CONFIG, more: { ...LEVELS, workers: 2 } })
  try {
    const ask = (key: TestKey, model = 'ok', tokens = 8) =>
      house.client.chat({ model, secret: key.secret, body: { max_tokens: tokens } })
    assert.deepEqual([(await ask(slow[0])).status, (await ask(slow[1])).status], [200, 200])
    const refused = await ask(slow[0])
    assert.equal(refused.status, 429)
    assert.match(JSON.stringify(refused.json), /2 requests per day for the team \\"slow\\"/)
    assert.ok(Number(refused.headers['retry-after']) > 40_000, 'one comes back in half a day')

    const running = [0, 1].map(() => house.client.start({ model: 'barrier', secret: busy.secret }))
    await house.wall.waitForRequests(4)
    for (let turn = 0; turn < 4; turn++) {
      const third = await ask(busy)
      assert.equal(third.status, 429)
      assert.match(JSON.stringify(third.json), /2 may be in flight for the team \\"busy\\"/)
    }
    house.wall.release()
    for (const call of running) assert.equal((await call.result).status, 200)
    assert.equal((await ask(busy)).status, 200, 'the refused ones took nothing of the three per minute')
    assert.equal((await ask(busy)).status, 429)

    // Tokens are taken by what a request may use at most, and what it did not use is given back.
    for (let turn = 0; turn < 4; turn++) assert.equal((await ask(few, 'ok', 500)).status, 200)
    const large = await ask(few, 'ok', 1_500)
    assert.equal(large.status, 429)
    assert.match(JSON.stringify(large.json), /Request too large.*1000 tokens per minute for the team \\"few\\"/)
  } finally {
    await house.close()
  }
})

for (const workers of [1, 4]) {
  test(`B5 a budget of the organisation lets exactly as many through as it covers, whoever asks, with ${workers} worker(s)`, {
    timeout: scaledTime(60_000),
  }, async () => {
    const keys = [keyPair('one'), keyPair('two'), keyPair('three')]
    const [one, two, three] = keys
    assert.ok(one !== undefined && two !== undefined && three !== undefined)
    const parts = (tokens: number) => ({
      models: ['ok', 'barrier'],
      otherKeys: [
        { key: one, team: 'a', budgets: [{ tokens: 1_000_000, per: 'day' }] },
        { key: two, project: 'b' },
        { key: three, organization: 'whole', user: 'u' },
      ],
      more: {
        workers,
        // On a busy machine some would be refused for that.
        overload: { shed: 'off' },
        organizations: [{ id: 'whole', budgets: [{ tokens, per: 'total' }] }],
        teams: [{ id: 'a', organization: 'whole', budgets: [{ tokens: 1_000_000, per: 'month' }] }],
        projects: [{ id: 'b', team: 'a' }],
        users: [{ id: 'u', budgets: [{ tokens: 1_000_000, per: 'month' }] }],
        gateway: { budgets: [{ tokens: 2_000_000, per: 'total' }] },
      },
    })
    const reading = async (house: House, name: string, labels: Record<string, string>) =>
      findSamples(await house.gateway.metrics(), `ferro_budget_${name}`, labels)[0]?.value ?? Number.NaN
    const request = (index: number) => ({
      model: 'barrier',
      secret: keys[index % 3]?.secret ?? '',
      nonce: `b5-${String(index).padStart(6, '0')}`,
      body: { max_tokens: 8 },
    })
    const WHOLE = { level: 'organization:whole' }
    let house = await House.build(parts(1_000_000))
    const call = house.client.start(request(0))
    await house.wall.waitForRequests(1)
    const each = await reading(house, 'reserved', WHOLE)
    house.wall.release()
    await call.result
    await house.close()

    house = await House.build(parts(10 * each))
    try {
      const calls = Array.from({ length: 90 }, (_, index) => house.client.start(request(index)))
      await house.wall.waitForRequests(10)
      await eventually(() => calls.filter(({ entry }) => entry.status !== null).length === 80, { deadlineMs: 20_000 })
      assert.equal(await reading(house, 'used', WHOLE), 10 * each)
      for (const labels of [{ key: 'one' }, { level: 'team:a' }, { level: 'user:u' }, { level: 'gateway' }]) {
        const reserved = await reading(house, 'reserved', labels)
        assert.equal(reserved % each, 0, 'nothing is left of what was refused elsewhere')
      }
      assert.equal(await reading(house, 'reserved', { level: 'gateway' }), 10 * each)
      house.wall.release()
      const statuses = (await Promise.all(calls.map(({ result }) => result))).map(({ status }) => status)
      const counts = Object.fromEntries(
        [...Map.groupBy(statuses, String)].map(([status, { length }]) => [status, length]),
      )
      assert.deepEqual(counts, { 200: 10, 402: 80 })
      await eventually(async () => (await reading(house, 'reserved', WHOLE)) === 0)
      await eventually(async () => {
        using database = house.gateway.db()
        const sum = (sql: string) => Number(database.prepare(sql).get()?.['sum'])
        const ledger = sum('SELECT sum(tokens) AS sum FROM ledger WHERE phase = 1')
        if (ledger !== (await reading(house, 'used', WHOLE))) return false
        assert.equal(ledger, 110)
        assert.equal(
          sum("SELECT spent AS sum FROM counter_sums WHERE counter = 'organization:whole:tokens:total'"),
          110,
        )
        assert.equal(sum("SELECT sum(tokens) AS sum FROM level_daily WHERE level = 'organization:whole'"), 110)
        assert.equal(sum('SELECT sum(input_tokens + output_tokens) AS sum FROM requests'), 110)
        return true
      })
      // It starts again with what was used before.
      await house.gateway.stop()
      await house.gateway.restart()
      assert.equal(await reading(house, 'used', WHOLE), 110)
      assert.equal(await reading(house, 'used', { level: 'gateway' }), 110)
    } finally {
      await house.close()
    }
  })
}
