import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AskAdmin, adminOf } from '../harness/admin.ts'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at } from '../harness/json.ts'
import { House } from './house.ts'

/*
 * What an operator enters in the ledger: once, in every account of it, and with a reason.
 */

const reader = keyPair('reader')
const spender = keyPair('spender')
let house: House
let ask: AskAdmin

before(
  async () => {
    house = await House.build({
      models: [{ name: 'ok', prices: { input: 1_000, output: 2_000 } }],
      key: {
        team: 'search',
        budgets: [
          { usd: 5, per: 'month' },
          { tokens: 10_000, per: 'day', time_zone: 'Europe/Berlin' },
        ],
      },
      more: {
        workers: 2,
        teams: [
          {
            id: 'search',
            budgets: [{ usd: 9, per: 'total' }],
            rules: [{ by: 'end_user', budgets: [{ usd: 1, per: 'month' }] }],
          },
        ],
        control: {
          listen: '127.0.0.1:0',
          admins: [
            { id: reader.id, hash: reader.hash, scopes: ['usage.read'] },
            { id: spender.id, hash: spender.hash, scopes: ['ledger.write', 'usage.read'] },
          ],
        },
      },
    })
    ask = adminOf(house.gateway)
  },
  { timeout: 30_000 },
)

after(async () => await house.close())

/** A request that was charged, and what for. */
async function charged() {
  const { status, entry } = await house.client.chat({ body: { max_tokens: 8, user: 'ada' } })
  assert.equal(status, 200)
  const id = entry.requestId ?? ''
  const rows = await eventually(() => {
    using database = house.gateway.db()
    const found = database.prepare('SELECT tokens, nanos FROM ledger WHERE request_id = ? AND phase = 1').get(id)
    return found ?? null
  })
  return { id, tokens: Number(rows['tokens']), nanos: Number(rows['nanos']) }
}

const spent = async (path: string, kind: string, budget = 0) =>
  Math.round(Number(at((await ask('GET', path)).json, kind, 'budgets', budget, 'spent')) * 1e9)
const keyPath = () => `api-keys/${house.key.id}`
const proved = async (least = 4) => {
  const counters = (await ask('GET', 'ledger/counters')).json['data'] as { agrees: boolean }[]
  assert.ok(counters.length >= least, 'those of the end user are among them')
  assert.deepEqual(
    counters.filter(({ agrees }) => !agrees),
    [],
  )
}

test('what is given back or charged more is so everywhere, once, and says why and by whom', async () => {
  const one = await charged()
  const before = [await spent(keyPath(), 'key'), await spent('teams/search', 'team')]
  const back = { id: 'ticket-1', request_id: one.id, usd: -one.nanos / 2e9, tokens: -5, reason: 'cut off by an outage' }
  const entered = await ask('POST', 'ledger/adjustments', back)
  assert.equal(entered.status, 201, JSON.stringify(entered.json))
  assert.partialDeepStrictEqual(entered.json['adjustment'], {
    ...back,
    attempt: 1,
    actor: 'owner',
    key_id: house.key.id,
    nanos: -one.nanos / 2,
    sequence: 1,
  })
  // Told again, by whoever did not hear the answer, and by many at once.
  const again = await Promise.all(Array.from({ length: 8 }, async () => await ask('POST', 'ledger/adjustments', back)))
  assert.deepEqual([...new Set(again.map(({ status }) => status))], [200])
  const half = one.nanos / 2
  assert.deepEqual(
    [await spent(keyPath(), 'key'), await spent('teams/search', 'team')],
    before.map((nanos) => nanos - half),
  )
  assert.equal(at((await ask('GET', keyPath())).json, 'key', 'budgets', 1, 'spent'), one.tokens - 5)
  await proved()

  const more = { id: 'ticket-2', request_id: one.id, usd: 0.25, reason: 'a tool that was billed apart' }
  assert.equal((await ask('POST', 'ledger/adjustments', more)).status, 201)
  assert.equal(await spent(keyPath(), 'key'), (before[0] ?? 0) - half + 250_000_000)
  await proved()

  const usage = await ask('GET', 'usage?by=key,end_user,team&per=total')
  assert.partialDeepStrictEqual(
    usage.json['data'],
    [
      {
        key: undefined,
        end_user: 'ada',
        team: 'search',
        requests: 1,
        tokens: one.tokens - 5,
        nanos: one.nanos - half + 250_000_000,
        adjusted_nanos: 250_000_000 - half,
      },
    ].map(({ key: _named, ...row }) => row),
  )
  const days = await ask('GET', 'usage')
  assert.equal(at(days.json, 'data', 0, 'nanos'), one.nanos - half + 250_000_000)
  const listed = await ask('GET', `ledger/adjustments?request_id=${one.id}&limit=1`)
  assert.equal(at(listed.json, 'data', 0, 'id'), 'ticket-2')
  const rest = await ask('GET', `ledger/adjustments?request_id=${one.id}&cursor=${String(listed.json['next_cursor'])}`)
  assert.deepEqual(
    (rest.json['data'] as object[]).map((row) => at(row, 'id')),
    ['ticket-1'],
  )
  const audit = await ask('GET', `audit?target=request:${one.id}`)
  const lines = audit.json['data'] as { after: object; actor: string }[]
  assert.deepEqual(
    lines.map(({ after: told }) => at(told, 'reason')),
    [more.reason, back.reason],
  )
})

test('what cannot be entered is refused with its field, and changes nothing', async () => {
  const one = await charged()
  const asked = { id: 'odd', request_id: one.id, usd: -0.000001, reason: 'a test' }
  for (const [body, status, param] of [
    [{ ...asked, id: 'a b' }, 400, 'id'],
    [{ ...asked, id: undefined }, 400, 'id'],
    [{ ...asked, reason: '  ' }, 400, 'reason'],
    [{ ...asked, usd: 0 }, 400, 'usd'],
    [{ ...asked, usd: '1' }, 400, 'usd'],
    [{ ...asked, tokens: 0.5 }, 400, 'tokens'],
    [{ ...asked, attempt: 0 }, 400, 'attempt'],
    [{ ...asked, key_id: 'dev' }, 400, 'key_id'],
    [{ ...asked, usd: -one.nanos / 1e9 - 0.000001 }, 409, 'usd'],
    [{ ...asked, attempt: 2 }, 409, 'attempt'],
    [{ ...asked, request_id: 'nothing' }, 404, 'request_id'],
    [{ ...asked, id: 'ticket-1' }, 409, 'id'],
  ] as const) {
    const refused = await ask('POST', 'ledger/adjustments', body)
    assert.deepEqual(
      [refused.status, at(refused.json, 'error', 'param')],
      [status, param],
      `${JSON.stringify(body)}: ${JSON.stringify(refused.json)}`,
    )
  }
  const asReader = adminOf(house.gateway, reader.secret)
  const denied = await asReader('POST', 'ledger/adjustments', asked)
  assert.deepEqual([denied.status, denied.code], [403, 'insufficient_scope'])
  const { json } = await asReader('GET', `ledger/adjustments?request_id=${one.id}`)
  assert.deepEqual(json['data'], [])
  const made = await adminOf(house.gateway, spender.secret)('POST', 'ledger/adjustments', asked)
  assert.equal(at(made.json, 'adjustment', 'actor'), spender.id)
  await proved()
  using database = house.gateway.db()
  assert.throws(() => database.prepare("UPDATE adjustments SET nanos = 0 WHERE id = 'odd'").run())
})

test('a restart finds counters and books as they were', async () => {
  const before = await spent(keyPath(), 'key')
  await house.gateway.kill9()
  await house.gateway.restart()
  assert.equal(await spent(keyPath(), 'key'), before)
  await proved(3)
})
