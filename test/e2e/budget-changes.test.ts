/** Budgets that change while they are used, and the accounts of one use that must say the same. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { errorCode } from '../harness/client.ts'
import { baseConfig, keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { isObject, type JsonObject, parseJson } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { Load } from '../process/load.ts'
import { House } from './house.ts'

const PRICES = { input: 3.701, output: 11.103 }
const MODELS = ['ok', 'slow-5', 'slow-40', 'fin-mid-stream', 'status-503'].map((name) => ({ name, prices: PRICES }))
const extra = keyPair('extra')
const ROOMY = [{ tokens: 10_000_000, per: 'month' }]
/** Two seconds on a machine that has nothing else to do. */
const EFFECTIVE_MS = 6_000

const OPTIONS = {
  models: MODELS,
  key: { team: 'moving' },
  otherKeys: [{ key: extra, team: 'still' }],
  more: { workers: 2, overload: { shed: 'off' }, teams: [{ id: 'moving', budgets: ROOMY }, { id: 'still' }] },
}

// Not one that counts descriptors: the first question to the admin API starts a thread.
let built: House | null = null
before(async () => {
  built = await House.build(OPTIONS)
})
after(async () => {
  await built?.assertUnharmed()
  await built?.close()
})

function house(): House {
  return built ?? assert.fail('a hook builds it')
}

/** Writes the file with this budget of the team; resolves when the metrics show its limit, or that there is none. */
async function budgetBecomes(budgets: readonly JsonObject[]): Promise<number> {
  const { gateway, wall, key } = house()
  const since = performance.now()
  gateway.writeConfig(
    baseConfig({
      wallUrl: wall.url,
      models: MODELS,
      keys: [
        { key, team: 'moving' },
        { key: extra, team: 'still' },
      ],
      more: {
        workers: 2,
        overload: { shed: 'off' },
        teams: [{ id: 'moving', budgets: [...budgets] }, { id: 'still' }],
      },
    }),
  )
  gateway.signal('SIGHUP')
  const [first] = budgets
  await eventually(async () => (await reading('limit')) === first?.tokens, {
    what: 'the new limit',
    deadlineMs: 20_000,
  })
  return performance.now() - since
}

async function reading(name: string): Promise<number | undefined> {
  const samples = await house().gateway.metrics()
  return findSamples(samples, `ferro_budget_${name}`, { level: 'team:moving' })[0]?.value
}

test('B27 a budget that is lowered, raised or taken away under load is in force at once, and never shown below zero', {
  timeout: 60_000,
}, async (t) => {
  const { client } = house()
  const asked = { body: { max_tokens: 8 } }
  const load = new Load(
    client,
    {
      concurrency: 8,
      requests: [
        { model: 'ok', ...asked },
        { model: 'slow-5', ...asked },
      ],
    },
    t,
  )
  await eventually(() => load.served > 50)
  const lowered = await budgetBecomes([{ tokens: 100, per: 'month' }])
  assert.ok(lowered < EFFECTIVE_MS, `in force after ${lowered} ms`)
  const refused = await client.chat(asked)
  assert.deepEqual([refused.status, errorCode(refused.json)], [402, 'insufficient_quota'])
  for (const name of ['used', 'spent', 'reserved', 'overshoot']) {
    assert.ok(((await reading(name)) ?? -1) >= 0, `${name} is ${await reading(name)}`)
  }
  const raised = await budgetBecomes(ROOMY)
  assert.ok(raised < EFFECTIVE_MS, `in force after ${raised} ms`)
  assert.equal((await client.chat(asked)).status, 200)
  t.diagnostic(`lowered in ${Math.round(lowered)} ms, raised in ${Math.round(raised)} ms`)
  const gone = await budgetBecomes([])
  assert.ok(gone < EFFECTIVE_MS, `gone after ${gone} ms`)
  const { served } = load
  await eventually(() => load.served > served + 20)
  await budgetBecomes(ROOMY)
  await load.stop()
  // What was used without the budget counts in it as well.
  await eventually(async () => (await reading('used')) === (await usedInAll('dev')).tokens, {
    what: 'the budget to have all that its team used',
  })
})

/** What the ledger has settled for a key. */
async function usedInAll(key: string): Promise<{ tokens: number; nanos: number }> {
  const rows = readLedger(house().gateway.databasePath).ledger.filter(
    ({ phase, keyId }) => phase === 'settle' && keyId === key,
  )
  return {
    tokens: rows.reduce((sum, { tokens }) => sum + tokens, 0),
    nanos: rows.reduce((sum, { nanos }) => sum + nanos, 0),
  }
}

test('B26 the upstream, the ledger, the admin API and the metrics tell the same of what was used, to the nano-dollar', async (t) => {
  const { gateway, wall } = house()
  const client = house().newClient(extra)
  t.after(() => client.close())
  const load = new Load(client, {
    concurrency: 12,
    requests: [{ model: 'ok' }, { model: 'slow-5', stream: true }, { model: 'slow-40' }, { model: 'status-503' }],
  })
  await eventually(() => load.served > 60)
  await load.stop()
  const nonces = new Set(client.log.map(({ nonce }) => nonce))
  const told = wall.requests
    .filter(({ nonce }) => nonces.has(nonce ?? ''))
    .flatMap(({ usage }) => (isObject(usage) ? [[Number(usage.prompt_tokens), Number(usage.completion_tokens)]] : []))
  const sum = (at: number) => told.reduce((total, each) => total + (each[at] ?? 0), 0)
  const expected = { tokens: sum(0) + sum(1), nanos: sum(0) * 3_701 + sum(1) * 11_103 }
  assert.ok(expected.tokens > 0)
  await eventually(async () => (await usedInAll('extra')).tokens === expected.tokens, { what: 'the ledger' })
  assert.deepEqual(await usedInAll('extra'), expected)

  const token = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${gateway.controlUrl}/admin/v1/usage?by=key&per=total`, { headers })
  const usage = parseJson(await answer.text())
  assert.ok(isObject(usage) && Array.isArray(usage.data))
  const own = usage.data.find((row) => isObject(row) && row.key_id === 'extra')
  assert.ok(isObject(own), JSON.stringify(usage))
  assert.deepEqual({ tokens: own.tokens, nanos: own.nanos }, expected)

  const rows = readLedger(gateway.databasePath).requests
  const ofAll = readLedger(gateway.databasePath).ledger.filter(({ phase }) => phase === 'settle')
  const samples = await gateway.metrics()
  const counted = (name: string) => findSamples(samples, name).reduce((total, { value }) => total + value, 0)
  assert.equal(
    counted('ferro_tokens_total'),
    rows.reduce((total, { tokens }) => total + tokens, 0),
  )
  assert.equal(
    counted('ferro_cost_nanodollars_total'),
    ofAll.reduce((total, { nanos }) => total + nanos, 0),
  )
})
