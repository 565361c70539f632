/** What is left of a key where it is kept and shown, and when it ends. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { isObject, type JsonObject, parseJson } from '../harness/json.ts'
import { scanBytes, scanDirectory } from '../harness/secret-scan.ts'
import { WALL_KEY } from '../harness/wall/wall.ts'
import { House } from './house.ts'

const OPTIONS = { models: ['ok', 'barrier-mid'], more: { workers: 2 } }

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

function fileOf(name: string): string {
  return readFileSync(join(house().gateway.dataDir, name), 'utf8').trim()
}

async function admin(method: string, path: string, body?: JsonObject) {
  const headers = { authorization: `Bearer ${fileOf('admin-token')}`, 'content-type': 'application/json' }
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const answer = await fetch(`${house().gateway.controlUrl}/admin/v1${path}`, init)
  const text = await answer.text()
  return { status: answer.status, text, json: parseJson(text) }
}

async function create(id: string, more: JsonObject = {}): Promise<string> {
  const { json, text } = await admin('POST', '/api-keys', { id, ...more })
  assert.ok(isObject(json) && typeof json.secret === 'string', text)
  return json.secret
}

async function statusOf(secret: string): Promise<number> {
  const answer = await fetch(`${house().gateway.url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } })
  await answer.arrayBuffer()
  return answer.status
}

test('A1 A15 twenty keys that were issued are nowhere to be found, in no file and in no answer of the admin API', async () => {
  const secrets = await Promise.all(Array.from({ length: 20 }, (_, at) => create(`issued-${at}`)))
  for (const secret of secrets) assert.equal(await statusOf(secret), 200)
  assert.equal((await house().client.chat({ secret: secrets[0] ?? '' })).status, 200)
  const { gateway } = house()
  const stored = await eventually(() => {
    using database = gateway.db()
    const rows = database.prepare("SELECT hash, prefix FROM keys WHERE id LIKE 'issued-%'").all()
    return rows.length === 20 ? rows : null
  })
  for (const { hash, prefix } of stored) {
    assert.match(String(hash), /^hmac-sha256:[0-9a-f]{64}$/)
    assert.ok(String(prefix).length <= 12, String(prefix))
  }
  assert.deepEqual(scanDirectory(gateway.dataDir, secrets), [])

  const logged = await eventually(async () => {
    const { json } = await admin('GET', '/request-logs')
    const [first] = isObject(json) && Array.isArray(json.data) ? json.data : []
    return isObject(first) && typeof first.id === 'string' ? first.id : null
  })
  const hashes = stored.map(({ hash }) => String(hash).slice('hmac-sha256:'.length))
  const hidden = [...secrets, ...hashes, WALL_KEY, house().key.secret, fileOf('admin-token'), fileOf('pepper')]
  const paths = ['/api-keys?limit=1000', '/api-keys/issued-0', '/request-logs', `/request-logs/${logged}`, '/targets']
  for (const path of [...paths, '/usage', '/usage?by=key&per=total', '/ledger/counters', '/status']) {
    const { status, text } = await admin('GET', path)
    assert.equal(status, 200, path)
    assert.deepEqual(scanBytes(text, path, hidden), [])
  }
  const page = await (await fetch(`${gateway.controlUrl}/metrics`)).text()
  assert.deepEqual(scanBytes(page, '/metrics', hidden), [])
})

test('A4 a key ends at its moment and not before; what is in flight then goes on to its end', async () => {
  const endsAt = Math.ceil((Date.now() + 2_500) / 1_000) * 1_000
  const secret = await create('brief', { expires_at: new Date(endsAt).toISOString() })
  const running = house().client.start({ model: 'barrier-mid', stream: true, secret })
  assert.equal(await running.head, true)
  let last = 0
  while (Date.now() < endsAt - 20) {
    assert.equal(await statusOf(secret), 200)
    last = Date.now()
  }
  await delay(Math.max(0, endsAt - Date.now()))
  assert.equal(await statusOf(secret), 401)
  assert.ok(endsAt - last < 1_000, 'it was taken within its last second')
  house().wall.release()
  const { events } = await running.result
  assert.equal(events.at(-1), '[DONE]')
})

test('A4 a key that is revoked in the middle of a stream opens nothing any more, and the stream goes on to its end', async () => {
  const secret = await create('revoked')
  const running = house().client.start({ model: 'barrier-mid', stream: true, secret })
  assert.equal(await running.head, true)
  assert.equal((await admin('DELETE', '/api-keys/revoked')).status, 200)
  for (let turn = 0; turn < 8; turn++) assert.equal(await statusOf(secret), 401)
  house().wall.release()
  assert.equal((await running.result).events.at(-1), '[DONE]')
})

test('A7 a rotated key is taken by both secrets for the grace period, and by the new one alone after it', async () => {
  const old = await create('turning')
  const { json } = await admin('POST', '/api-keys/turning/rotate', { grace: '2s' })
  const since = performance.now()
  assert.ok(isObject(json) && typeof json.secret === 'string')
  const fresh = json.secret
  assert.deepEqual([await statusOf(old), await statusOf(fresh)], [200, 200])
  await eventually(async () => (await statusOf(old)) === 401, { everyMs: 20, what: 'the end of the old secret' })
  const tookMs = performance.now() - since
  assert.ok(tookMs > 1_500 && tookMs < 4_000, `it ended after ${tookMs} ms`)
  assert.equal(await statusOf(fresh), 200)
})

test('A8 secrets that share their beginning and their end are different keys, whoever asks first', async (t) => {
  const { secret } = keyPair()
  const variant = (at: number, letter: string) => secret.slice(0, at) + letter + secret.slice(at + 1)
  const twins = [20, 30, secret.length - 1].map((at, index) => {
    const twin = variant(at, secret[at] === 'A' ? 'B' : 'A')
    return { secret: twin, key: keyPair(`twin-${index}`) }
  })
  const hashOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`
  const own = { id: 'own', secret, hash: hashOf(secret) }
  const others = twins.slice(0, 2).map(({ secret: twin, key }) => ({ ...key, secret: twin, hash: hashOf(twin) }))
  const alike = await House.build({ otherKeys: [own, ...others], models: ['ok'] })
  t.after(() => alike.close())
  for (const { id, secret: asked } of [own, ...others, own]) {
    const { entry, status } = await alike.client.chat({ secret: asked })
    assert.equal(status, 200)
    const row = await eventually(() => {
      using database = alike.gateway.db()
      return database.prepare('SELECT key_id FROM requests WHERE id = ?').get(entry.requestId) ?? null
    })
    assert.equal(row['key_id'], id)
  }
  const unknown = twins[2]?.secret ?? ''
  for (const wrong of [unknown, secret.slice(0, -1), `${secret}A`, secret.toUpperCase()]) {
    assert.equal((await alike.client.chat({ secret: wrong })).status, 401)
  }
})
