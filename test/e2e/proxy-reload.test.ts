/* Section 4.9 for routes of the configuration: G2 (shorter; test/load/reload-under-load.ts is the long one) and G5. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, startAsking } from '../harness/ask.ts'
import { eventually } from '../harness/eventually.ts'
import { acceptLines, frameOf, onFrames } from '../harness/web-socket-server.ts'
import { scaled } from './house.ts'
import { ProxyHouse, type ProxyHouseOptions } from './proxy-house.ts'

/** Routes of one version: `/gone` exists in even ones, `/version` says which it is. */
function versionOf(number: number): ProxyHouseOptions {
  const always = [
    { id: 'all', match: { path: '/**' }, upstream: 'pool', upgrade: ['websocket'] },
    { id: 'version', match: { path: '/version' }, respond: { body: String(number) } },
    { id: 'missing', match: { path: { prefix: '/gone' } }, respond: { status: 404, body: 'gone' } },
  ]
  const even = { id: 'even', match: { path: '/gone/here' }, upstream: 'pool' }
  return {
    routes: () => (number % 2 === 0 ? [...always, even] : always),
    pool: { max_connections: 500 + (number % 3) },
  }
}

async function reload(house: ProxyHouse, number: number): Promise<void> {
  house.gateway.writeConfig(house.config(versionOf(number)))
  house.gateway.signal('SIGHUP')
  const get = async () => (await ask(`${house.gateway.url}/version`)).text
  await eventually(
    async () => (await Promise.all(Array.from({ length: 6 }, get))).every((text) => text === String(number)),
    { deadlineMs: 30_000, everyMs: 20, what: `version ${number}` },
  )
}

test('G2 reloads under load fail no request, cut no stream, end no WebSocket and answer nothing wrongly', {
  timeout: 120_000,
}, async (t) => {
  const house = await ProxyHouse.build({ workers: 2, origins: 2, ...versionOf(0) })
  try {
    for (const origin of house.origins) {
      origin.on('/stream', async (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (let at = 0; at < 20; at++) {
          response.write(`data: ${at}\n\n`)
          await delay(20)
        }
        response.end('data: end\n\n')
      })
      origin.on('/ws', ({ socket, headers }) => {
        onFrames(socket, ({ payload }) => socket.write(frameOf(payload)))
        socket.on('end', () => socket.end())
        socket.write(acceptLines(String(headers['sec-websocket-key'])))
      })
    }
    const failures: string[] = []
    let running = true
    let served = 0
    const load = async (path: string, isRight: (text: string) => boolean) => {
      for (let at = 0; running; at++) {
        const url = `${path}?${path}-${at}`
        const answer = await (at % 5 === 0
          ? ask(`${house.gateway.url}${url}`)
          : house.ask(url, { method: at % 2 ? 'GET' : 'POST' }))
        served++
        const right = answer.status === 200 && answer.complete && isRight(answer.text)
        if (!right) failures.push(`${url} ${answer.status} ${answer.text.slice(-200)}`)
      }
    }
    const loads = [
      ...Array.from({ length: 8 }, (_, at) => load(`/plain-${at}`, (text) => text.includes(`"url":"/plain-${at}?`))),
      ...Array.from({ length: 12 }, () => load('/stream', (text) => text.endsWith('data: end\n\n'))),
    ]
    const socket = new WebSocket(`${house.gateway.url.replace('http', 'ws')}/ws`)
    await once(socket, 'open')
    const rounds = scaled(12)
    for (let number = 1; number <= rounds; number++) {
      await reload(house, number)
      assert.equal((await ask(`${house.gateway.url}/gone/here`)).status, number % 2 === 0 ? 200 : 404)
      const message = once(socket, 'message')
      socket.send(`still ${number}`)
      assert.equal((await message)[0].data, `still ${number}`)
      await delay(300)
    }
    running = false
    await Promise.all(loads)
    socket.close()
    t.diagnostic(`${served} requests over ${rounds} reloads`)
    assert.deepEqual(failures, [])
    assert.ok(served > 200)
    house.assertUnharmed()
  } finally {
    await house.close()
  }
})

test('G5 a route that is taken away ends none of its streams and uploads, and takes no new request', {
  timeout: 60_000,
}, async () => {
  const house = await ProxyHouse.build({ workers: 2, ...versionOf(0) })
  try {
    const open: ServerResponse[] = []
    house.origin.on('/gone/here', (request, response) => {
      let bytes = 0
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      if (request.method === 'POST') request.on('end', () => response.end(`took ${bytes}`))
      else {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n')
        open.push(response)
      }
    })
    const stream = startAsking(`${house.gateway.url}/gone/here`)
    await eventually(() => stream.received().length > 0)
    const upload = await house.connect()
    await upload.send('POST /gone/here HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
    await upload.send(Buffer.alloc(50_000))
    // Small enough to be read before it is sent: it has not begun at the server when the route goes.
    const small = await house.connect()
    await small.send('POST /gone/here HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello')
    await eventually(() => house.origin.seen('/gone/here').length === 2)
    await reload(house, 1)
    assert.equal((await ask(`${house.gateway.url}/gone/here`)).status, 404)
    await upload.send(Buffer.alloc(50_000))
    await small.send('hello')
    assert.equal((await upload.waitForResponses())[0]?.body.toString(), 'took 100000')
    assert.equal((await small.waitForResponses())[0]?.body.toString(), 'took 10')
    for (const response of open) response.end('data: last\n\n')
    const answer = await stream.answer
    assert.deepEqual([answer.text, answer.complete], ['data: first\n\ndata: last\n\n', true])
    upload.close()
    small.close()
    house.assertUnharmed()
  } finally {
    await house.close()
  }
})

test('G1 a route that cannot be leaves the running ones in place, and says where it is wrong', async () => {
  const house = await ProxyHouse.build({ workers: 2, ...versionOf(0) })
  try {
    const bad = [
      [{ id: 'x', match: { path: '/x' }, upstream: 'nobody' }, /nobody/],
      [{ id: 'x', match: { path: { regex: '(a' } }, upstream: 'pool' }, /x|regex/],
      [{ id: 'x', match: { path: '/x' }, upstream: 'pool', request_headers: { set: { a: '{no.such}' } } }, /no\.such/],
      [{ id: 'x', match: { path: '/x' } }, /x/],
      [{ id: 'all', match: { path: '/x' }, upstream: 'pool' }, /all/],
    ] as const
    for (const [route, complaint] of bad) {
      const from = house.gateway.stderr.text.length
      house.gateway.writeConfig(house.config({ routes: (urls) => [...(versionOf(0).routes?.(urls) ?? []), route] }))
      house.gateway.signal('SIGHUP')
      await eventually(() => complaint.test(house.gateway.stderr.text.slice(from)), {
        what: `a complaint about ${JSON.stringify(route)}`,
      })
      assert.equal((await ask(`${house.gateway.url}/version`)).text, '0')
      assert.equal((await ask(`${house.gateway.url}/anything`)).status, 200)
    }
    await reload(house, 2)
  } finally {
    await house.close()
  }
})

test('limits, log, egress and overload change in the running workers: no stream is cut, whatever the grace is', {
  timeout: 60_000,
}, async () => {
  const drain = { grace: '200ms' }
  const house = await ProxyHouse.build({ workers: 2, ...versionOf(0), more: { drain } })
  try {
    const { gateway, origin } = house
    let open: ServerResponse | null = null
    origin.on('/stream', (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n')
      open = response
    })
    const stream = startAsking(`${gateway.url}/stream`)
    await eventually(() => stream.received().length > 0)
    const accessLog = join(gateway.dataDir, 'other.log')
    const denied = { id: 'internal', action: 'refuse', hosts: ['*.internal'] }
    const more = {
      drain,
      limits: { keep_alive: '300ms', body: '1KiB' },
      log: { level: 'debug', access: { output: accessLog, format: 'combined' } },
      overload: { shed: 'off' },
      trusted_proxies: ['127.0.0.1'],
      egress: { rules: [denied] },
    }
    gateway.writeConfig(house.config({ ...versionOf(1), more }))
    gateway.signal('SIGHUP')
    const get = async () =>
      (await ask(`${gateway.url}/version`, { headers: { 'x-forwarded-for': '203.0.113.9' } })).text
    await eventually(async () => (await Promise.all([get(), get(), get(), get()])).every((text) => text === '1'))
    await delay(1_000)
    assert.doesNotMatch(gateway.stderr.text, /workers were replaced|requests are cut/)
    const idle = await house.connect()
    await idle.send('GET /version HTTP/1.1\r\nHost: a\r\n\r\n')
    await idle.waitForResponses()
    await eventually(() => idle.closeKind !== 'open', { deadlineMs: 30_000, what: 'the new keep_alive to be in force' })
    const large = await ask(`${gateway.url}/x`, { method: 'POST', body: 'x'.repeat(2_000) })
    assert.equal(large.status, 413)
    await eventually(() => readFileSync(accessLog, 'utf8').includes('203.0.113.9'), { what: 'the new access log' })
    ;(open ?? (assert.fail('nobody asked for the stream') as ServerResponse)).end('data: last\n\n')
    assert.deepEqual(await stream.answer.then(({ text, complete }) => [text, complete]), [
      'data: first\n\ndata: last\n\n',
      true,
    ])
    house.assertUnharmed()
  } finally {
    await house.close()
  }
})
