/** What a key is known by and where it may come from, through a started gateway. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { isObject } from '../harness/json.ts'

const blake = (secret: string) => `blake2b:${createHash('blake2b512').update(secret).digest('hex')}`
const sha = (secret: string) => `sha256:${createHash('sha256').update(secret).digest('hex')}`

test('A7 keys by other hashes, in a grace period, and from the networks that they are bound to', async (t) => {
  const anyPort = '127.0.0.1:0'
  const gateway = await Gateway.start({
    config: {
      listen: anyPort,
      control: { listen: anyPort },
      workers: 2,
      trusted_proxies: ['127.0.0.1'],
      keys: [
        { id: 'blake', hash: blake('secret-blake') },
        { id: 'fresh', hash: sha('new'), previous: { hash: sha('old'), until: '2101-01-01T00:00:00Z' } },
        { id: 'stale', hash: sha('new-too'), previous: { hash: sha('gone'), until: '2001-01-01T00:00:00Z' } },
        { id: 'bound', hash: sha('bound'), addresses: ['192.0.2.0/24', '2001:db8::/32'], tags: ['office'] },
        { id: 'never', hash: sha('never') },
      ],
    },
  })
  t.after(() => gateway.close())
  const ask = async (secret: string, from?: string) => {
    const headers = { authorization: `Bearer ${secret}`, ...(from === undefined ? {} : { 'x-forwarded-for': from }) }
    const answer = await fetch(`${gateway.url}/v1/models`, { headers })
    const body: unknown = await answer.json()
    const error = isObject(body) && isObject(body.error) ? body.error : {}
    return [answer.status, ...('code' in error ? [error.code, error.message] : [])]
  }
  assert.deepEqual(await ask('secret-blake'), [200])
  assert.deepEqual(await ask('new'), [200])
  assert.deepEqual(await ask('old'), [200])
  assert.deepEqual(await ask('new-too'), [200])
  assert.equal((await ask('gone'))[0], 401)
  assert.deepEqual(await ask('bound', '192.0.2.9'), [200])
  assert.deepEqual(await ask('bound', '2001:db8:1::5'), [200])
  const elsewhere = await ask('bound', '198.51.100.7')
  assert.deepEqual(elsewhere.slice(0, 2), [403, 'address_not_allowed'])
  assert.match(String(elsewhere[2]), /may not be used from 198\.51\.100\.7/)
  assert.deepEqual((await ask('bound')).slice(0, 2), [403, 'address_not_allowed'])
  // A client cannot put itself into the network in front of the proxy that is trusted.
  assert.equal((await ask('bound', '192.0.2.9, 198.51.100.7'))[0], 403)

  const adminToken = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()
  const admin = { headers: { authorization: `Bearer ${adminToken}` } }
  const keys = async (): Promise<Record<string, unknown>[]> => {
    const body: unknown = await (await fetch(`${gateway.controlUrl}/admin/v1/api-keys`, admin)).json()
    assert.ok(isObject(body) && Array.isArray(body.data))
    return body.data as Record<string, unknown>[]
  }
  await eventually(async () => (await keys()).find(({ id }) => id === 'bound')?.last_used_at !== null, {
    deadlineMs: 10_000,
    what: 'the last use of a key to be known',
  })
  const shown = await keys()
  assert.deepEqual(
    shown.map(({ id, last_used_at: used }) => [id, used !== null]),
    [
      ['blake', true],
      ['bound', true],
      ['fresh', true],
      ['never', false],
      ['stale', true],
    ],
  )
  const used = Date.parse(String(shown[0]?.last_used_at))
  assert.ok(Math.abs(Date.now() - used) < 60_000, `${used}`)
  assert.deepEqual(shown[1]?.addresses, ['192.0.2.0/24', '2001:db8::/32'])
  assert.deepEqual(shown[1]?.tags, ['office'])
  assert.equal(shown[2]?.previous_valid_until, '2101-01-01T00:00:00.000Z')
  assert.equal(shown[4]?.previous_valid_until, null)
})
