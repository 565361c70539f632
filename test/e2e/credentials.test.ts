import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCode } from '../harness/client.ts'
import { keyPair } from '../harness/config.ts'
import { at, parseJson } from '../harness/json.ts'
import { exchangeRaw } from '../harness/raw-client.ts'
import { useHouse } from './house.ts'

const disabled = keyPair('disabled')
const expired = keyPair('expired')
const narrow = keyPair('narrow')
const reader = keyPair('reader')
const twin = keyPair('twin')
const house = useHouse({
  models: ['ok', 'ok-3'],
  otherKeys: [
    { key: disabled, enabled: false },
    { key: expired, expires_at: '2020-01-01T00:00:00Z' },
    { key: narrow, models: { allow: ['ok-3'] } },
    { key: reader, scopes: ['models.read'] },
    twin,
  ],
})

const ROUTES = [
  ['GET', '/v1/models'],
  ['GET', '/v1/models/ok'],
  ['POST', '/v1/chat/completions'],
] as const
const BODY = '{"model":"ok","messages":[{"role":"user","content":"a"}]}'

async function send(method: string, path: string, headers: readonly string[], base = house().gateway.url) {
  const framing = method === 'POST' ? ['Content-Type: application/json', `Content-Length: ${BODY.length}`] : []
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: g', 'Connection: close', ...framing, ...headers]
  const client = await exchangeRaw(base, `${lines.join('\r\n')}\r\n\r\n${method === 'POST' ? BODY : ''}`)
  const [response] = client.responses()
  return { status: response?.status, text: response?.body.toString() ?? '' }
}

test('A3 every route refuses every credential that is none, in every header, with 401', async () => {
  const good = house().key.secret
  const unknown = keyPair().secret
  const bad = [
    ['no header', []],
    ['an empty bearer', ['Authorization:']],
    ['a bearer without key', ['Authorization: Bearer ']],
    ['another scheme', [`Authorization: Basic ${good}`]],
    ['no scheme', [`Authorization: ${good}`]],
    ['garbage that looks like a key', ['Authorization: Bearer sk-1234567890abcdef1234567890abcdef']],
    ['an unknown key', [`Authorization: Bearer ${unknown}`]],
    ['a beginning of a key', [`Authorization: Bearer ${good.slice(0, -1)}`]],
    ['more than a key', [`Authorization: Bearer ${good}x`]],
    ['a key in other case', [`Authorization: Bearer ${good.toUpperCase()}`]],
    ['its hash', [`Authorization: Bearer ${house().key.hash}`]],
    ['its id', [`Authorization: Bearer ${house().key.id}`]],
    ['a disabled key', [`Authorization: Bearer ${disabled.secret}`]],
    ['an expired key', [`Authorization: Bearer ${expired.secret}`]],
    ['an endless key', [`Authorization: Bearer ${'k'.repeat(8_000)}`]],
    ['two keys that disagree', [`Authorization: Bearer ${good}`, `x-api-key: ${unknown}`]],
    ['two valid keys that disagree', [`Authorization: Bearer ${good}`, `x-api-key: ${twin.secret}`]],
    ['a valid and an empty key', [`Authorization: Bearer ${good}`, 'x-api-key:']],
    ['two bearers that disagree', [`Authorization: Bearer ${good}`, `Authorization: Bearer ${unknown}`]],
    ['two keys in one header', [`Authorization: Bearer ${unknown}, Bearer ${good}`]],
    ['a key in the query', []],
    ...['x-api-key', 'api-key', 'x-goog-api-key'].flatMap(
      (name) =>
        [
          [`an empty ${name}`, [`${name}:`]],
          [`an unknown ${name}`, [`${name}: ${unknown}`]],
          [`a disabled ${name}`, [`${name}: ${disabled.secret}`]],
          [`an expired ${name}`, [`${name}: ${expired.secret}`]],
          [`a bearer in ${name}`, [`${name}: Bearer ${good}`]],
        ] as const,
    ),
  ] as const
  const seen = house().wall.requests.length
  for (const [method, path] of ROUTES) {
    for (const [name, headers] of bad) {
      // Google's clients ask for models with `key` in the query, and for nothing else here.
      const query = `api_key=${good}&access_token=${good}${path.startsWith('/v1/models') ? '' : `&key=${good}`}`
      const target = name === 'a key in the query' ? `${path}?${query}` : path
      const { status, text } = await send(method, target, headers)
      assert.equal(status, 401, `${name} at ${method} ${path}: ${text}`)
      assert.equal(typeof at(parseJson(text), 'error', 'message'), 'string', name)
      for (const secret of [good, unknown, disabled.secret, expired.secret, house().key.hash.slice(7)]) {
        assert.ok(!text.includes(secret), `the answer to ${name} quotes the credential`)
      }
    }
  }
  assert.equal(house().wall.requests.length, seen)
})

test('A3 A5 unknown, disabled and expired keys are answered with the same words', async () => {
  const secrets = [keyPair().secret, disabled.secret, expired.secret]
  const texts = await Promise.all(
    secrets.map((secret) => send('GET', '/v1/models', [`Authorization: Bearer ${secret}`])),
  )
  const shape = ({ text }: { text: string }) => text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>')
  assert.equal(new Set(texts.map(shape)).size, 1, texts.map(shape).join('\n'))
})

test('A3 a valid key is taken from each of its headers, also twice the same', async () => {
  const { secret } = house().key
  const good = [
    [`Authorization: Bearer ${secret}`],
    [`authorization: bearer ${secret}`],
    [`x-api-key: ${secret}`],
    [`api-key: ${secret}`],
    [`x-goog-api-key: ${secret}`],
    [`Authorization: Bearer ${secret}`, `x-api-key: ${secret}`],
  ]
  for (const headers of good) {
    for (const [method, path] of ROUTES)
      assert.equal((await send(method, path, headers)).status, 200, `${headers[0]?.slice(0, 20)}`)
  }
})

test('A14 a key gets no further than its models and scopes', async () => {
  const asNarrow = house().newClient(narrow)
  assert.equal((await asNarrow.chat({ model: 'ok-3' })).status, 200)
  const denied = await asNarrow.chat({ model: 'ok' })
  assert.ok(denied.status === 403 || denied.status === 404, `status ${denied.status}`)
  const models = parseJson(await (await asNarrow.fetch('/v1/models')).text())
  assert.deepEqual(
    (at(models, 'data') as readonly unknown[]).map((model) => at(model, 'id')),
    ['ok-3'],
  )
  for (const spelling of ['OK', 'ok ', 'wall/ok', 'ok\u0000', 'o\u006b']) {
    const result = await asNarrow.chat({ model: spelling })
    assert.ok([400, 403, 404].includes(result.status ?? 0), `${JSON.stringify(spelling)}: ${result.status}`)
  }
  const asReader = house().newClient(reader)
  assert.equal((await asReader.fetch('/v1/models')).status, 200)
  const refused = await asReader.chat()
  assert.equal(refused.status, 403)
  assert.equal(errorCode(refused.json), 'insufficient_scope')
  asNarrow.close()
  asReader.close()
})

test('A13 a virtual key opens nothing on the control listener', async () => {
  const { gateway, key } = house()
  for (const path of ['/admin/v1/keys', '/admin/v1/requests', '/admin/v1/usage']) {
    for (const headers of [[], [`Authorization: Bearer ${key.secret}`], [`x-api-key: ${key.secret}`]]) {
      const { status } = await send('GET', path, headers, gateway.controlUrl)
      assert.ok(status === 401 || status === 403 || status === 404, `${status} for ${path}`)
    }
  }
  assert.equal(
    (await send('GET', '/metrics', [], gateway.url)).status === 200,
    false,
    'metrics are not for the data listener',
  )
})
