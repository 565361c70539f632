import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeRaw, RawClient } from '../../test/harness/raw-client.ts'
import { createControlServer } from './server.ts'
import { ADMIN_TOKEN, FakeProcess } from './testing/fake-process.ts'
import { startListener } from './testing/listener.ts'

const ADMIN = `Authorization: Bearer ${ADMIN_TOKEN}\r\n`

test('says that it lives, and whether it is ready and why not', async (t) => {
  const { call, process } = await startListener(t)
  for (const path of ['/healthz', '/livez', '/healthz?x=1']) {
    assert.deepEqual((await call('GET', path, { token: null })).json, { status: 'ok' }, path)
  }
  assert.deepEqual((await call('GET', '/readyz', { token: null })).json, { status: 'ready' })
  process.reasons = ['draining', 'no_worker']
  const { status, json } = await call('GET', '/readyz', { token: null })
  assert.deepEqual([status, json], [503, { status: 'not_ready', reasons: ['draining', 'no_worker'] }])
  assert.equal((await call('GET', '/livez', { token: null })).status, 200)
})

test('gives metrics to programs of this machine, and on a public listener to the admin alone', async (t) => {
  const local = await startListener(t)
  const metrics = await local.call('GET', '/metrics', { token: null })
  assert.deepEqual([metrics.status, metrics.text], [200, '# TYPE fake gauge\nfake 1\n'])
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=/)
  const everywhere = await startListener(t, { public: true })
  assert.equal((await everywhere.call('GET', '/metrics', { token: null })).status, 401)
  assert.equal((await everywhere.call('GET', '/metrics')).status, 200)
  assert.equal((await everywhere.call('GET', '/readyz', { token: null })).status, 200)
})

test('answers HEAD as GET, without the body', async (t) => {
  const { call } = await startListener(t)
  for (const path of ['/healthz', '/metrics', '/admin/v1/api-keys', '/admin/v1/status']) {
    const [get, head] = [await call('GET', path), await call('HEAD', path)]
    assert.deepEqual([head.status, head.text], [200, ''], path)
    assert.equal(head.headers.get('content-length'), get.headers.get('content-length'), path)
  }
})

test('knows paths exactly, and says which methods they take', async (t) => {
  const { call } = await startListener(t)
  const misses = ['/', '/metricsx', '/metrics/', '/healthz/', '/admin', '/admin/v1/', '/admin/v1/keys', '/Metrics']
  for (const path of [
    ...misses,
    '/admin/v1/api-keys/',
    '/admin/v1/api-keys/a/b',
    '/admin/v1//api-keys',
    '/%6detrics',
  ]) {
    const { status, code } = await call('GET', path)
    assert.deepEqual([status, code], [404, 'not_found'], path)
  }
  const { status, code, headers } = await call('PUT', '/admin/v1/api-keys', { body: {} })
  assert.deepEqual([status, code, headers.get('allow')], [405, 'method_not_allowed', 'GET, HEAD, POST'])
  assert.equal((await call('OPTIONS', '/admin/v1/api-keys')).headers.get('access-control-allow-origin'), null)
})

test('forbids caches and guesses of the content type on every answer', async (t) => {
  const { call } = await startListener(t)
  for (const path of ['/admin/v1/status', '/admin/v1/nothing', '/healthz', '/metrics']) {
    const { headers } = await call('GET', path)
    assert.equal(headers.get('cache-control'), 'no-store', path)
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path)
    assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/, path)
  }
})

test('answers on loopback only to names of this machine, so that no rebound name of a web page works', async (t) => {
  const { url } = await startListener(t, { host: '127.0.0.1' })
  const statusOf = async (host: string, path: string, line = `Host: ${host}\r\n`) => {
    const request = `GET ${path} HTTP/1.1\r\n${line}Connection: close\r\n${ADMIN}\r\n`
    return (await exchangeRaw(url, request)).responses()[0]?.status
  }
  for (const path of ['/metrics', '/admin/v1/status']) {
    for (const host of ['127.0.0.1', 'localhost:8081', 'LOCALHOST', '[::1]:80', '127.1.2.3:1']) {
      assert.equal(await statusOf(host, path), 200, host)
    }
    const foreign = ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:8081', '10.0.0.1', '0.0.0.0']
    for (const host of [...foreign, '', 'localhost, evil.example', 'evil@localhost', '[::2]', 'localhost.']) {
      assert.equal(await statusOf(host, path), 403, `${host} ${path}`)
    }
    assert.equal(await statusOf('', path, 'Host: localhost\r\nHost: evil.example\r\n'), 400)
  }
  assert.equal(await statusOf('evil.example', '/healthz'), 200)
})

test('says to wait while the gateway starts, and answers about health meanwhile', async (t) => {
  const { call, process } = await startListener(t)
  process.reasons = ['starting', 'no_worker']
  const { status, code, headers } = await call('GET', '/admin/v1/api-keys')
  assert.deepEqual([status, code, headers.get('retry-after')], [503, 'not_ready', '1'])
  assert.equal((await call('GET', '/admin/v1/api-keys', { token: 'wrong' })).status, 401)
  assert.equal((await call('GET', '/livez')).status, 200)
  assert.match((await call('GET', '/readyz')).text, /starting/)
})

test('answers no page of another site, whatever it sends', async (t) => {
  const { url, call } = await startListener(t)
  const ask = async (origin: string) => (await call('GET', '/admin/v1/status', { headers: { origin } })).status
  assert.equal(await ask('https://evil.example'), 403)
  assert.equal(await ask('null'), 403)
  assert.equal(await ask(new URL(url).origin), 200)
})

test('takes any name on a public listener, and its own configured name on loopback', async (t) => {
  const options = { headers: { host: 'gateway.example' } }
  const request = `GET /admin/v1/status HTTP/1.1\r\nHost: gateway.example:1\r\nConnection: close\r\n${ADMIN}\r\n`
  const everywhere = await startListener(t, { public: true })
  assert.equal((await exchangeRaw(everywhere.url, request)).responses()[0]?.status, 200)
  assert.equal((await everywhere.call('GET', '/admin/v1/status', options)).status, 200)
  const named = await startListener(t, { host: 'localhost' })
  const ours = request.replace('gateway.example', 'localhost')
  const url = named.url.replace('127.0.0.1', 'localhost')
  assert.equal((await exchangeRaw(url, ours)).responses()[0]?.status, 200)
})

test('does not show what went wrong inside, but tells whoever keeps the log', async (t) => {
  const { call, process, faults } = await startListener(t)
  process.fault = new Error('canary: the database is at /var/lib/secret')
  for (const [method, path, body] of [
    ['GET', '/admin/v1/api-keys', undefined],
    ['POST', '/admin/v1/api-keys', {}],
    ['GET', '/admin/v1/request-logs', undefined],
  ] as const) {
    const { status, code, text, headers } = await call(method, path, { body })
    assert.deepEqual([status, code], [500, 'internal_error'], path)
    assert.doesNotMatch(text, /canary/)
    assert.ok(text.includes(headers.get('x-request-id') ?? 'no id'))
  }
  assert.deepEqual(faults, [process.fault, process.fault, process.fault])
})

test('refuses heads that are too large, too many, too slow or not HTTP', async (t) => {
  const { url } = await startListener(t, { headersTimeoutMs: 100 })
  const statusOf = async (bytes: string) => (await exchangeRaw(url, bytes, 5_000)).responses()[0]?.status
  const get = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n'
  assert.equal(await statusOf(`${get}x: ${'a'.repeat(20_000)}\r\n\r\n`), 431)
  assert.equal(await statusOf(`${get}${'x: 1\r\n'.repeat(101)}Connection: close\r\n\r\n`), 431)
  assert.equal(await statusOf('nonsense\r\n\r\n'), 400)
  assert.equal(await statusOf(`${get}Expect: a miracle\r\nConnection: close\r\n\r\n`), 417)
  assert.equal(await statusOf(`${get}${ADMIN}${ADMIN}Connection: close\r\n\r\n`), 400)
  assert.equal(await statusOf(get), 408)
})

test('answers early to a body it does not want, reads little of it, and serves nothing behind it', async (t) => {
  const { url } = await startListener(t)
  const piece = 'x'.repeat(65_536)
  for (const head of ['POST /metrics', 'POST /admin/v1/api-keys', 'GET /healthz', 'DELETE /admin/v1/api-keys/a']) {
    const client = await RawClient.connect(url)
    await client.send(`${head} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${2 ** 30}\r\n\r\n`)
    let sent = 0
    while (client.closeKind === 'open' && !client.socket.destroyed && sent < 2 ** 26) {
      await Promise.race([client.send(piece), client.waitForClose(10_000)])
      sent += piece.length
    }
    assert.notEqual(client.closeKind, 'open', `${head} took ${sent} bytes`)
    client.close()
  }
  const behind = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const body = behind.padEnd(1_000)
  const request = `POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n${body}`
  const responses = (await exchangeRaw(url, request)).responses()
  assert.deepEqual(
    responses.map(({ status }) => status),
    [405],
  )
  assert.equal(responses[0]?.header('connection'), 'close')
})

test('says when its address is taken, and ends although clients stay', async (t) => {
  const first = createControlServer(new FakeProcess(), { host: '127.0.0.1', port: 0, public: false })
  const port = await first.listen()
  const second = createControlServer(new FakeProcess(), { host: '127.0.0.1', port, public: false })
  await assert.rejects(second.listen(), { code: 'EADDRINUSE' })
  const client = await RawClient.connect(`http://127.0.0.1:${port}`)
  t.after(() => client.close())
  await client.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea')
  await client.waitForResponses(1)
  await first.close()
  await client.waitForClose()
  await first.close()
  await second.close()
})
