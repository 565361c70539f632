import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { House, scaled, scaledTime } from '../e2e/house.ts'
import { adminOf } from '../harness/admin.ts'
import { at } from '../harness/json.ts'

const ROUNDS = scaled(4)

test('C1 C2 what the admin API has answered is so after a kill at any moment: keys that were made, rotated and revoked, and levels', {
  timeout: scaledTime(60_000),
}, async (t) => {
  const house = await House.build({ more: { workers: 1 } })
  t.after(() => house.close())
  const ask = adminOf(house.gateway)
  const statusOf = async (secret: string) => (await house.client.chat({ secret })).status
  const good: string[] = []
  const bad: string[] = []
  const make = async (body: object) => {
    const { json, status } = await ask('POST', 'api-keys', body)
    assert.equal(status, 201)
    return String(json['secret'])
  }
  for (let round = 0; round < ROUNDS; round++) {
    const id = (what: string) => `${what}-${round}`
    bad.push(await make({ id: id('rotated') }), await make({ id: id('revoked') }))
    const team = await ask('POST', 'teams', { id: id('team'), tags: ['made'] })
    assert.equal(team.status, 201)
    good.push(await make({ id: id('made'), team: id('team') }))
    const rotated = await ask('POST', `api-keys/${id('rotated')}/rotate`, { grace: '0s' })
    good.push(String(rotated.json['secret']))
    assert.equal((await ask('PATCH', `teams/${id('team')}`, { tags: ['changed'] })).status, 200)
    const dying = ask('POST', 'api-keys', { id: id('in-between') }).catch(() => null)
    assert.equal((await ask('DELETE', `api-keys/${id('revoked')}`)).status, 200)
    await delay(Math.random() * 50)
    await house.gateway.kill9()
    const answered = await dying
    await house.gateway.restart()
    if (answered?.status === 201) good.push(String(answered.json['secret']))
    assert.deepEqual(at((await ask('GET', `teams/${id('team')}`)).json, 'team', 'tags'), ['changed'])
    // One that was not answered is there whole, or not at all.
    const { status, json } = await ask('GET', `api-keys/${id('in-between')}`)
    assert.ok(status === 404 || at(json, 'key', 'state') === 'active')
    const log = JSON.stringify((await ask('GET', `audit?target=key:${id('in-between')}`)).json['data'])
    assert.equal(log.includes('key.create'), status === 200, 'its line of the audit log is there when it is')
  }
  for (const secret of good) assert.equal(await statusOf(secret), 200)
  for (const secret of bad) assert.equal(await statusOf(secret), 401)
})
