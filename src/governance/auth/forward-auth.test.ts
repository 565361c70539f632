import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { guard } from '../../../test/request-path/guarded.ts'
import { startHttp } from '../../../test/request-path/upstream.ts'

type Serve = (req: IncomingMessage, res: ServerResponse) => void

async function guardWithService(t: TestContext, serve: Serve, differences: object = {}) {
  const asked: IncomingMessage[] = []
  const service = await startHttp(t, (req, res) => {
    asked.push(req)
    serve(req, res)
  })
  const forward = { url: `${service.origin}/check?v=1`, ...differences }
  return { asked, service, guarded: await guard(t, { auth: { forward } }) }
}

test('asks with what the client asked for, and passes on what the service says of it', async (t) => {
  const { guarded, asked } = await guardWithService(
    t,
    (_req, res) => res.writeHead(204, { 'x-user': 'alice', 'x-roles': ['one', 'two'], 'x-secret': 's' }).end(),
    { copy: ['X-User', 'x-roles', 'x-team'] },
  )
  const answer = await guarded.get(
    {
      authorization: 'Bearer its-own',
      cookie: 'session=1',
      'x-user': 'root',
      'x-team': 'admins',
      x_user: 'root',
      'x-other': 'kept',
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-uri': '/open',
    },
    '/guarded?a=b%20c',
  )
  assert.equal(answer.status, 200)
  const [question] = asked
  assert.deepEqual([question?.method, question?.url], ['GET', '/check?v=1'])
  const { connection: _c, 'x-request-id': id, host: _h, ...headers } = question?.headers ?? {}
  assert.match(String(id), /^\S{8,}$/)
  assert.deepEqual(headers, {
    authorization: 'Bearer its-own',
    cookie: 'session=1',
    'x-forwarded-method': 'GET',
    'x-forwarded-uri': '/guarded?a=b%20c',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': new URL(guarded.edge.url).host,
    'x-forwarded-for': '127.0.0.1',
  })
  const [passed] = guarded.passed
  assert.deepEqual(
    [passed?.['x-user'], passed?.['x-roles'], passed?.['x-team'], passed?.['x_user'], passed?.['x-secret']],
    ['alice', 'one, two', undefined, undefined, undefined],
  )
  assert.deepEqual([passed?.authorization, passed?.['x-other']], ['Bearer its-own', 'kept'])
})

test('any answer but 2xx is the client’s, with its headers', async (t) => {
  const rows: readonly (readonly [status: number, headers: Record<string, string | string[]>, body: string])[] = [
    [302, { location: 'https://login.test/?back=1', 'set-cookie': ['a=1; HttpOnly', 'b=2'] }, ''],
    [401, { 'www-authenticate': 'Digest realm="x"', 'content-type': 'text/html' }, '<h1>Log in</h1>'],
    [403, {}, 'no'],
    [304, {}, ''],
    [418, {}, 'x'.repeat(65_536)],
    [500, {}, 'broken'],
  ]
  let row = rows[0]
  const { guarded } = await guardWithService(t, (_req, res) => {
    const [status, headers, body] = row ?? [500, {}, '']
    res.writeHead(status, {
      ...headers,
      'x-service': 'yes',
      'keep-alive': 'timeout=9',
      connection: 'x-hop',
      'x-hop': '1',
    })
    res.end(body)
  })
  for (row of rows) {
    const [status, headers, body] = row
    const answer = await guarded.get()
    assert.equal(answer.status, status)
    assert.equal(await answer.text(), body)
    for (const [name, value] of Object.entries(headers)) {
      if (name === 'set-cookie') assert.deepEqual(answer.headers.getSetCookie(), value)
      else assert.equal(answer.headers.get(name), value)
    }
    assert.equal(answer.headers.get('x-service'), 'yes')
    assert.equal(answer.headers.get('x-hop'), null)
    const ending = guarded.edge.endings.at(-1)
    assert.deepEqual([ending?.end, ending?.error?.status, ending?.status], ['refused', status, status])
  }
  assert.deepEqual(guarded.passed, [])
})

test('never lets pass without an answer: silence, half an answer, nonsense, too much, nobody there', async (t) => {
  const rows: Readonly<Record<string, Serve>> = {
    silence: () => undefined,
    'half an answer': (_req, res) => res.writeHead(200, { 'content-length': 10 }).write('half'),
    'a cut answer': (req, res) => {
      res.writeHead(200, { 'content-length': 10 }).write('half', () => req.socket.destroy())
    },
    nonsense: (req) => req.socket.end('HTTP/9.9 200 OK\r\n\r\n'),
    'a closed connection': (req) => req.socket.destroy(),
    'a long answer': (_req, res) => res.end('x'.repeat(65_537)),
  }
  for (const [what, serve] of Object.entries(rows)) {
    const { guarded } = await guardWithService(t, serve, { timeout: '250ms' })
    const answer = await guarded.get()
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'], what)
    assert.deepEqual(guarded.passed, [], what)
  }
  const nobody = await guard(t, { auth: { forward: { url: `http://127.0.0.1:1/check` } } })
  assert.equal((await nobody.get()).status, 503)
})

test('a kept connection that the service closes just then is no reason to refuse', async (t) => {
  const answered = new Set<unknown>()
  const { guarded, asked } = await guardWithService(t, (req, res) => {
    if (answered.has(req.socket)) req.socket.destroy()
    else res.end()
    answered.add(req.socket)
  })
  for (const _ of [1, 2, 3]) assert.equal((await guarded.get()).status, 200)
  assert.equal(asked.length, 5, 'the second and the third came twice')
})

test('a client that leaves takes its question along', async (t) => {
  const { guarded, asked } = await guardWithService(t, () => undefined, { timeout: '60s' })
  const client = connect(guarded.edge.port, '127.0.0.1')
  await once(client, 'connect')
  client.write('GET /guarded HTTP/1.1\r\nHost: x\r\n\r\n')
  const question = await eventually(() => asked[0])
  const closed = once(question.socket, 'close')
  client.destroy()
  await closed
  const [ending] = await guarded.edge.settled()
  assert.equal(ending?.end, 'cancelled')
})

test('the body waits until it is known who asks', async (t) => {
  const { guarded } = await guardWithService(t, (_req, res) => setImmediate(() => res.end()))
  const answer = await fetch(`${guarded.edge.url}/guarded`, { method: 'POST', body: 'x'.repeat(300_000) })
  assert.equal(answer.status, 200)
})

test('headers that the gateway sets are nobody else’s', async (t) => {
  for (const [key, name] of [
    ['copy', 'Connection'],
    ['copy', 'content-length'],
    ['copy', 'x-forwarded-for'],
    ['copy', 'X-Request-Id'],
    ['send', 'Host'],
    ['send', 'x-forwarded-uri'],
    ['send', 'transfer-encoding'],
  ] as const) {
    const forward = { url: 'http://127.0.0.1:1/', [key]: [name] }
    await assert.rejects(
      guard(t, { auth: { forward } }),
      new RegExp(`auth\\.forward\\.${key}.*set by the gateway itself`),
    )
  }
  for (const url of ['ftp://x/', 'x', 'http://u:p@x/', 'http://x/#y']) {
    await assert.rejects(guard(t, { auth: { forward: { url } } }), /auth\.forward\.url/)
  }
})
