import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Origin } from '../harness/origin.ts'
import { House } from './house.ts'

const NAMES = ['api_key', 'api-key', 'apikey', 'key', 'token', 'access_token', 'authorization']

test('U5 a credential in a query is none, and stands in no log', async (t) => {
  const origin = await Origin.start()
  t.after(() => origin.close())
  const key = keyPair('main')
  const other = keyPair('other')
  const house = await House.build({
    otherKeys: [key, other],
    more: {
      log: { access: { output: 'stdout' } },
      upstreams: { pool: { targets: [origin.url] } },
      routes: [{ id: 'closed', match: { path: { prefix: '/closed' } }, auth: { keys: {} }, upstream: 'pool' }],
    },
  })
  t.after(() => house.close())
  const { gateway, wall } = house
  const get = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${gateway.url}${path}`, init)
    await answer.arrayBuffer()
    return answer.status
  }
  const body = JSON.stringify({ model: 'ok', messages: [{ role: 'user', content: 'a' }] })
  const post = (path: string, headers = {}) =>
    get(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
  for (const name of NAMES) {
    assert.equal(await get(`/closed?${name}=${key.secret}`), 401, name)
    assert.equal(await post(`/v1/chat/completions?${name}=${key.secret}`), 401, name)
  }
  assert.equal(origin.requests.length, 0)
  assert.equal(wall.requests.length, 0)

  // Beside a credential that counts, another in the query changes nothing, and a provider never sees it.
  const headers = { authorization: `Bearer ${key.secret}`, 'x-request-id': 'u5-last' }
  assert.equal(await post(`/v1/chat/completions?key=${other.secret}`, headers), 200)
  assert.doesNotMatch(wall.requests[0]?.headText ?? '', /\?|fk-/)
  // A query of a route belongs to the server behind it, as all of the request that is not the gateway's own does.
  assert.equal(await get(`/closed?token=${other.secret}`, { headers }), 200)
  assert.deepEqual(
    origin.requests.map(({ url }) => url),
    [`/closed?token=${other.secret}`],
  )
  await eventually(() => gateway.stdout.text.includes('u5-last'), { what: 'the line of the last request' })
  for (const { secret } of [key, other]) {
    assert.ok(!gateway.stdout.text.includes(secret), 'a secret stands in the access log')
    assert.ok(!gateway.stderr.text.includes(secret), 'a secret stands in the log')
  }
})
