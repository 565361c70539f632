import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { WALL_KEY, Wall } from '../harness/wall/wall.ts'
import { useHouse } from './house.ts'

const house = useHouse({ models: ['ok', 'redirect'] })

/** An upstream that nobody configured: no connection may ever reach it. */
let trap: Wall | null = null
before(async () => {
  trap = await Wall.start()
})
after(() => trap?.close())

function trapUrl(): string {
  if (trap === null) throw new Error('the trap is set by a hook')
  return trap.url
}

test('X2 nothing that a client sends chooses the host or the credential', async () => {
  const { client, wall, gateway } = house()
  const url = trapUrl()
  const { host } = new URL(url)
  const names = [
    'api_base',
    'base_url',
    'baseUrl',
    'API_BASE',
    'custom_host',
    'endpoint',
    'url',
    'proxy',
    'api_key',
    'host',
    'upstream',
  ]
  const bodies: object[] = [
    ...names.map((name) => ({ [name]: url })),
    ...names.map((name) => ({ extra_body: { [name]: url } })),
    { user_config: { model_list: [{ litellm_params: { api_base: url } }] } },
    { fallbacks: [{ model: 'ok', api_base: url }] },
    { router_settings_override: { fallbacks: [{ ok: [{ base_url: url }] }] } },
    { extra_headers: { host, authorization: 'Bearer other' } },
    { metadata: { base_url: url }, headers: { host } },
    { provider: { base_url: url }, providers: { wall: { base_url: url } } },
  ]
  for (const body of bodies) {
    const result = await client.chat({ body: { ...body } })
    assert.ok(result.status === 200 || result.status === 400, `${result.status} for ${JSON.stringify(body)}`)
  }
  const headers = [
    'x-portkey-custom-host',
    'x-custom-host',
    'x-base-url',
    'x-api-base',
    'x-forwarded-host',
    'x-host',
    'x-original-url',
    'x-rewrite-url',
    'x-upstream-host',
    'forwarded',
    'x-http-destinationurl',
  ]
  for (const name of headers) {
    const result = await client.chat({ headers: { [name]: name === 'forwarded' ? `host=${host}` : url } })
    assert.equal(result.status, 200, name)
  }
  for (const name of names) {
    const response = await client.fetch(`/v1/chat/completions?${name}=${encodeURIComponent(url)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"model":"ok","messages":[{"role":"user","content":"a"}]}',
    })
    await response.text()
    assert.ok(response.status === 200 || response.status === 400, name)
  }
  for (const model of [`${url}`, `wall/${url}`, 'http://evil/ok', '../ok', 'ok@evil', 'ok?x=', 'ok#', '//evil/ok']) {
    const result = await client.chat({ model })
    assert.ok(result.status === 400 || result.status === 404, `${result.status} for model ${model}`)
  }
  assert.equal(trap?.connections, 0)
  const expected = `Bearer ${WALL_KEY}`
  for (const request of wall.requests) {
    assert.equal(request.refused, null, request.headText)
    assert.ok(request.headText.includes(expected))
    assert.ok(!request.headText.includes(house().key.secret))
    assert.ok(request.headText.toLowerCase().includes(`host: 127.0.0.1:${wall.port}\r\n`), request.headText)
    assert.ok(!request.headText.includes(host), `a header named the trap:\n${request.headText}`)
  }
  assert.equal(gateway.alive, true)
})

test('X5 X10 addresses inside a prompt are text: nothing is fetched', async () => {
  const { client, wall } = house()
  const { port } = new URL(trapUrl())
  const hosts = [
    '127.0.0.1',
    '0.0.0.0',
    '127.1',
    '2130706433',
    '0x7f.1',
    '017700000001',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost.',
    'localhost',
  ]
  const before = wall.connections
  for (const host of hosts) {
    const url = `http://${host}:${port}/image.png`
    const content = [
      { type: 'text', text: `look at ${url}` },
      { type: 'image_url', image_url: { url } },
      { type: 'file', file: { file_url: url } },
    ]
    const result = await client.chat({ body: { messages: [{ role: 'user', content }] } })
    assert.equal(result.status, 200, url)
    assert.ok(wall.requests.at(-1)?.body.toString().includes(url), 'the prompt is relayed as it is')
  }
  assert.equal(trap?.connections, 0)
  assert.ok(wall.connections - before <= 1)
})

test('X8 a redirect of the upstream is not followed', async () => {
  const { client, wall } = house()
  const seen = wall.requests.length
  const result = await client.chat({ model: 'redirect' })
  assert.equal(result.status, 502, result.text)
  assert.equal(result.headers.location, undefined)
  assert.equal(wall.requests.length, seen + 1)
  assert.equal(trap?.connections, 0)
})
