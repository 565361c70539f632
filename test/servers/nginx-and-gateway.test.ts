/*
 * The gateway beside a real nginx, in both places: a server of files behind a route, and a proxy in front of chat
 * completions. Neither is told anything that the other would need to be nice to it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { House } from '../e2e/house.ts'
import { ask, keptConnections } from '../harness/ask.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { type RunningServer, serverSuite, startNginx } from './servers.ts'

const TEXT = 'All work and no play makes a dull page.\n'.repeat(5_000)

serverSuite('nginx', 'a route to nginx', () => {
  const agent = keptConnections()
  let nginx: RunningServer
  let gateway: Gateway
  before(async () => {
    nginx = await startNginx(({ port, dir }) => {
      mkdirSync(path.join(dir, 'files'))
      writeFileSync(path.join(dir, 'files', 'page.txt'), TEXT)
      return `
        types { text/plain txt; }
        gzip on; gzip_types text/plain; gzip_http_version 1.0;
        server {
          listen 127.0.0.1:${port};
          root files;
          keepalive_requests 7;
          location /echo { return 200 "$request_method $request_uri $http_x_forwarded_for $connection_requests"; }
          location /moved { return 302 /page.txt; }
          location /none { return 204; }
        }`
    })
    gateway = await Gateway.start({
      config: {
        listen: '127.0.0.1:0',
        control: { listen: '127.0.0.1:0' },
        workers: 1,
        upstreams: { files: { targets: [`http://127.0.0.1:${nginx.port}`] } },
        routes: [{ id: 'files', match: { path: '/**' }, upstream: 'files' }],
      },
    })
  })
  after(async () => {
    agent.destroy()
    await gateway?.close()
    await nginx?.stop()
  })
  const get = (target: string, headers: Record<string, string> = {}) =>
    ask(`${gateway.url}${target}`, { agent, headers })

  test('whole files, pieces, and what has not changed', async () => {
    const whole = await get('/page.txt')
    assert.deepEqual([whole.status, whole.text === TEXT], [200, true])
    const piece = await get('/page.txt', { range: 'bytes=4-7' })
    assert.deepEqual(
      [piece.status, piece.text, piece.headers['content-range']],
      [206, 'work', `bytes 4-7/${TEXT.length}`],
    )
    const same = await get('/page.txt', { 'if-none-match': String(whole.headers.etag) })
    assert.deepEqual([same.status, same.text], [304, ''])
    assert.equal((await get('/none')).status, 204)
    assert.equal((await get('/missing')).status, 404)
  })

  test('an answer in chunks that nginx has compressed', async () => {
    const packed = await get('/page.txt', { 'accept-encoding': 'gzip' })
    assert.equal(packed.headers['content-encoding'], 'gzip')
    assert.equal(gunzipSync(packed.body).toString(), TEXT)
  })

  test('every request of many arrives, though nginx closes each connection after seven', async () => {
    for (let index = 0; index < 60; index++) {
      const { status, text } = await get(`/echo?${index}`)
      assert.equal(status, 200)
      assert.match(text, new RegExp(`^GET /echo\\?${index} 127\\.0\\.0\\.1 [1-7]$`))
    }
  })
})

serverSuite('nginx', 'nginx in front of chat completions', () => {
  let house: House
  let nginx: RunningServer
  before(async () => {
    house = await House.build({ models: ['ok', 'barrier-mid'] })
    nginx = await startNginx(
      ({ port }) => `
        upstream gateway { server ${new URL(house.gateway.url).host}; keepalive 4; }
        server {
          listen 127.0.0.1:${port};
          location / {
            proxy_pass http://gateway;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
          }
        }`,
    )
  })
  after(async () => {
    await nginx?.stop()
    await house?.close()
  })
  const chat = async (model: string, stream: boolean): Promise<http.IncomingMessage> => {
    const request = http.request(`http://127.0.0.1:${nginx.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${house.key.secret}`, 'content-type': 'application/json' },
    })
    request.end(JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'hello' }] }))
    const [response] = await once(request, 'response')
    assert.ok(response instanceof http.IncomingMessage)
    return response
  }

  test('answers, streams and refusals pass over connections that are kept', async () => {
    for (let round = 0; round < 20; round++) {
      const response = await chat(round % 5 === 4 ? 'unknown' : 'ok', round % 2 === 0)
      assert.equal(response.statusCode, round % 5 === 4 ? 404 : 200)
      const text = (await response.setEncoding('utf8').toArray()).join('')
      if (round % 2 === 0 && response.statusCode === 200) assert.match(text, /data: \[DONE\]\n\n$/)
      else assert.ok(JSON.parse(text))
    }
  })

  test('a stream passes event by event, and a client that leaves ends it upstream', async () => {
    const before = house.wall.requests.length
    const response = await chat('barrier-mid', true)
    // The upstream holds the rest back: a proxy that buffers would show nothing.
    const [first] = await once(response.setEncoding('utf8'), 'data')
    assert.match(String(first), /^data: \{/)
    response.destroy()
    const request = house.wall.requests[before] ?? assert.fail('nothing was asked')
    await eventually(() => request.closedAt !== null, { what: 'the end upstream' })
    assert.equal(request.cutBy, 'gateway')
  })
})
