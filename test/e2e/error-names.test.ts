import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCode } from '../harness/client.ts'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { isObject, parseJson } from '../harness/json.ts'
import { useHouse } from './house.ts'

const denied = keyPair('denied')
const poor = keyPair('poor')
const unpriced = keyPair('unpriced')
const house = useHouse({
  otherKeys: [
    { key: denied, models: { deny: ['ok'] } },
    { key: poor, budgets: [{ tokens: 1, per: 'month' }] },
    { key: unpriced, budgets: [{ usd: 1, per: 'month' }] },
  ],
  more: { log: { access: { output: 'stdout', level: 'info' } } },
})

/** Every refusal that is told to clients by a name of their dialect. */
const REFUSALS = [
  { code: 'model_not_found', model: 'no-such-model', secret: undefined },
  { code: 'model_not_allowed', model: 'ok', secret: denied.secret },
  { code: 'insufficient_quota', model: 'ok', secret: poor.secret },
  { code: 'model_unpriced', model: 'ok', secret: unpriced.secret },
] as const

test('an error has one name: for the client, in its record, in the access log and in the metrics', async () => {
  const { client, gateway } = house()
  for (const { code, model, secret } of REFUSALS) {
    const answer = await client.chat({ model, ...(secret === undefined ? {} : { secret }) })
    const id = answer.entry.requestId
    assert.equal(errorCode(answer.json), code)

    const recorded = await eventually(
      () => {
        using database = gateway.db()
        return database.prepare('SELECT error_code FROM requests WHERE id = ?').get(id) ?? null
      },
      { what: `the record of ${code}` },
    )
    assert.equal(recorded['error_code'], code)

    const logged = await eventually(
      () =>
        gateway.stdout.text
          .split('\n')
          .map(parseJson)
          .find((line) => isObject(line) && line['id'] === id) ?? null,
      { what: `the log line of ${code}` },
    )
    assert.equal(isObject(logged) && logged['error_code'], code)

    const counted = (await gateway.metrics()).find(
      ({ name, labels }) => name === 'ferro_refused_total' && labels['code'] === code,
    )
    assert.equal(counted?.value, 1, code)
  }
})
