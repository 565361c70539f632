/* Rows H21 to H25 of section 4.1 for routes of the configuration. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeRaw, RawClient } from '../harness/raw-client.ts'
import { type ProxyHouse, useProxyHouse } from './proxy-house.ts'

const edits = {
  request_headers: {
    set: { 'x-set': '{method} {path} {client.address}', 'x-client': 'mine', 'x-forwarded-user': '{method}' },
    add: { 'x-added': 'two' },
    remove: ['x-gone', 'User-Agent'],
  },
  response_headers: {
    set: { server: 'ferro', 'x-id': '{request.id}', 'x-said': '{header.x-say}' },
    add: { 'set-cookie': 'b=2' },
    remove: ['x-powered-by'],
  },
}
const routes = () => [
  { id: 'edited', match: { path: { prefix: '/edited' } }, upstream: 'pool', ...edits },
  { id: 'named', match: { path: { prefix: '/named' } }, upstream: 'named' },
  { id: 'all', match: { path: '/**' }, upstream: 'pool' },
]
const upstreams = (urls: readonly string[]) => ({ named: { targets: urls, host: 'client' } })
const house = useProxyHouse({ routes, upstreams })
/** The same behind a proxy that is trusted: every client of this machine. */
const trusted_proxies = ['127.0.0.0/8', '10.0.0.0/8']
const trusted_headers = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']
const trusting = useProxyHouse({ routes, upstreams, more: { trusted_proxies, trusted_headers } })
/** One whose proxies speak the standard's header. */
const standardTrust = useProxyHouse({
  routes,
  upstreams,
  more: { trusted_proxies, trusted_headers: ['forwarded'] },
})

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7'

/** Sends a GET with these lines; gives what the server saw. */
async function seenWith(where: ProxyHouse, lines: readonly string[], path = '/seen') {
  const head = [`GET ${path} HTTP/1.1`, 'Host: shop.example', ...lines].join('\r\n')
  const client = await RawClient.connect(where.gateway.url)
  await client.send(`${head}\r\n\r\n`)
  const [response] = await client.waitForResponses()
  client.close()
  assert.equal(response?.status, 200, client.received.toString())
  return where.origin.requests.at(-1) ?? assert.fail('nothing came')
}

test('H21 what belongs to the connection stays here, in whatever lines it is named', async () => {
  const seen = await seenWith(house(), [
    'Connection: keep-alive, x-a, authorization, x-api-key, content-length',
    'Connection: X-B',
    'Connection: x-forwarded-for, traceparent, tracestate, host',
    `Traceparent: ${TRACE}-01`,
    'Tracestate: a=b',
    'X-A: 1',
    'X-B: 2',
    'X-C: 3',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic x',
    'TE: deflate, trailers;q=0.5',
    'Trailer: x-t',
    'Upgrade: h2c',
    'Authorization: Bearer mine',
    'X-Api-Key: mine',
  ])
  const names = new Set(seen.lines.map(([name]) => name.toLowerCase()))
  for (const name of ['x-a', 'x-b', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'trailer', 'upgrade']) {
    assert.ok(!names.has(name), name)
  }
  assert.doesNotMatch(seen.values('connection').join(), /x-|auth|content|host|close/i)
  // Whether the gateway itself takes trailers is its own word.
  assert.ok(['', 'trailers'].includes(seen.values('te').join()))
  assert.deepEqual(seen.values('x-c'), ['3'])
  // Who somebody is cannot be taken away by naming it.
  assert.deepEqual(seen.values('authorization'), ['Bearer mine'])
  assert.deepEqual(seen.values('x-api-key'), ['mine'])
  assert.deepEqual(seen.values('x-forwarded-for'), ['127.0.0.1'])
  assert.deepEqual([seen.values('traceparent'), seen.values('tracestate')], [[`${TRACE}-01`], ['a=b']])
})

test("a client's trace goes on as it is sampled, its own span the parent; where there is none, none is begun", async () => {
  const traced = async (...lines: string[]) => {
    const seen = await seenWith(house(), lines)
    return [...seen.values('traceparent'), ...seen.values('tracestate')]
  }
  assert.deepEqual(await traced(), [])
  const rows = { '00': '00', '01': '01', '02': '00', '03': '01', ff: '01' }
  for (const [sent, passed] of Object.entries(rows)) {
    assert.deepEqual(await traced(`Traceparent: ${TRACE}-${sent}`), [`${TRACE}-${passed}`], sent)
  }
  const states = ['Tracestate: a=b', 'Tracestate: c=d']
  assert.deepEqual(await traced(`Traceparent: ${TRACE}-01`, ...states), [`${TRACE}-01`, 'a=b, c=d'])
  // A state belongs to a trace, and must not be longer than everybody has to carry.
  assert.deepEqual(await traced(...states), [])
  assert.deepEqual(await traced('Traceparent: 00-0-0-01', ...states), [])
  assert.deepEqual(await traced(`Traceparent: ${TRACE}-01`, `Tracestate: a=${'b'.repeat(511)}`), [`${TRACE}-01`])
})

test('H16 names with an underscore, twins of checked ones, are not passed on', async () => {
  const seen = await seenWith(house(), [
    'X_Forwarded_For: 6.6.6.6',
    'Content_Length: 7',
    'Authorization_: x',
    'X-Ok: 1',
  ])
  assert.ok(seen.lines.every(([name]) => !name.includes('_')))
  assert.deepEqual(seen.values('x-ok'), ['1'])
})

test('H22 what belongs to the connection of the server does not reach the client', async () => {
  house().origin.on('/hop', (request) => {
    request.socket.end(
      [
        'HTTP/1.1 200 OK',
        'Connection: keep-alive, set-cookie, X-Private',
        'Connection: x-second',
        'Keep-Alive: timeout=9',
        'Proxy-Connection: keep-alive',
        'Proxy-Authenticate: Basic',
        'Upgrade: h2c',
        'TE: x',
        'Trailer: x-trailer',
        'Set-Cookie: a=1',
        'X-Private: 1',
        'X-Second: 1',
        'X-Public: 1',
        'X-Request-Id: theirs',
        'X-Ferro-Request-Id: theirs',
        'Transfer-Encoding: chunked',
        '',
        '2',
        'ok',
        '0',
        'x-trailer: 1',
        'set-cookie: 2',
        '',
        '',
      ].join('\r\n'),
    )
  })
  const client = await RawClient.connect(house().gateway.url)
  await client.send('GET /hop HTTP/1.1\r\nHost: a\r\n\r\n')
  const [response] = await client.waitForResponses()
  client.close()
  assert.equal(response?.body.toString(), 'ok')
  const names = response?.fields.map(([name]) => name.toLowerCase()).toSorted()
  assert.deepEqual(names, ['date', 'transfer-encoding', 'x-ferro-request-id', 'x-public', 'x-request-id'])
  assert.notEqual(response?.header('x-request-id'), 'theirs')
  assert.doesNotMatch(client.received.toString(), /trailer|theirs/)
})

test('H24 what a stranger says of itself is replaced', async () => {
  const seen = await seenWith(house(), [
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-For: 7.7.7.7',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: evil.example',
    'X-Real-IP: 6.6.6.6',
    'True-Client-IP: 6.6.6.6',
    'X-Original-URL: /evil',
    'X-Forwarded-Port: 6667',
    'Forwarded: for=6.6.6.6',
    `X-Request-Id: ${'x'.repeat(2_000)}`,
  ])
  assert.deepEqual(seen.values('x-forwarded-for'), ['127.0.0.1'])
  assert.deepEqual(seen.values('x-forwarded-proto'), ['http'])
  assert.deepEqual(seen.values('x-forwarded-host'), ['shop.example'])
  assert.deepEqual([...seen.values('x-real-ip'), ...seen.values('forwarded')], [])
  assert.match(seen.values('x-request-id').join(), /^[0-9a-f-]{36}$/)
  assert.doesNotMatch(JSON.stringify(seen.lines), /6\.6\.6\.6|7\.7\.7\.7|evil|6667/)
  const named = await seenWith(house(), ['X-Request-Id: mine-1'])
  assert.deepEqual(named.values('x-request-id'), ['mine-1'])
})

test('H24 no claim of a stranger reaches the server, whichever proxy it is a header of; a trusted one may make it', async () => {
  const claims = [
    'X-Forwarded-Client-Cert: Subject="CN=admin"',
    'X-Forwarded-User: root',
    'X-Forwarded-Groups: admins',
    'X-Forwarded-Access-Token: t',
    'X-Forwarded-Uri: /open',
    'X-Original-URI: /open',
    'X-Original-Method: GET',
    'X-Envoy-External-Address: 10.0.0.1',
    'X-Envoy-Original-Path: /open',
    'X-SSL-Client-S-DN: CN=admin',
    'X-Client-Cert: x',
    'SSL-Client-Verify: SUCCESS',
    'Client-Cert: :x:',
    'X-Remote-User: root',
  ]
  const names = claims.map((line) => line.slice(0, line.indexOf(':')).toLowerCase())
  const [stranger, friend] = [await seenWith(house(), claims), await seenWith(trusting(), claims)]
  for (const name of names) {
    assert.deepEqual([stranger.values(name).length, friend.values(name).length], [0, 1], name)
  }
  // What the operator sets is no stranger's word.
  const edited = await seenWith(house(), ['X-Forwarded-User: root'], '/edited')
  assert.deepEqual(edited.values('x-forwarded-user'), ['GET'])
})

test('H24 what a trusted proxy says is passed on, whole', async () => {
  const seen = await seenWith(trusting(), [
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-For: 9.9.9.9, 10.0.0.1',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: public.example',
  ])
  // What a stranger wrote stays on the left, where nobody believes it; nothing is lost on the right.
  assert.deepEqual(seen.values('x-forwarded-for'), ['6.6.6.6, 9.9.9.9, 10.0.0.1, 127.0.0.1'])
  assert.deepEqual(seen.values('x-forwarded-proto'), ['https'])
  assert.deepEqual(seen.values('x-forwarded-host'), ['public.example'])
  const standard = await seenWith(standardTrust(), [
    'Forwarded: for=6.6.6.6, for="[2001:db8::1]:99";proto=https;host=f.example',
  ])
  assert.deepEqual(standard.values('x-forwarded-for'), ['2001:db8::1, 127.0.0.1'])
  assert.deepEqual(standard.values('x-forwarded-proto'), ['https'])
  assert.deepEqual(standard.values('x-forwarded-host'), ['f.example'])
  assert.deepEqual(standard.values('forwarded'), [])
  const both = ['Forwarded: for=5.5.5.5', 'X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Port: 81']
  const [byStandard, byUsual] = [await seenWith(standardTrust(), both), await seenWith(trusting(), both)]
  assert.deepEqual(byStandard.values('x-forwarded-for'), ['5.5.5.5, 127.0.0.1'])
  assert.deepEqual(byUsual.values('x-forwarded-for'), ['6.6.6.6, 127.0.0.1'])
  assert.deepEqual(byUsual.values('x-forwarded-port'), ['81'])
})

test('a pool can be given the host that the client named', async () => {
  assert.deepEqual((await seenWith(house(), [], '/named')).values('host'), ['shop.example'])
  assert.deepEqual((await seenWith(house(), [], '/seen')).values('host'), [new URL(house().origin.url).host])
})

test('headers are set, added and taken away, on both ways and on errors too', async () => {
  const { origin } = house()
  origin.on('/edited/x', (_request, response) => {
    response.writeHead(200, { server: 'theirs', 'x-powered-by': 'php', 'set-cookie': 'a=1' }).end('x')
  })
  const head = [
    'GET /edited/x HTTP/1.1',
    'Host: a',
    'User-Agent: curl',
    'X-Gone: 1',
    'X-Client: theirs',
    'X-Client: 2',
    'X-Added: one',
    'X-Say: h\u00e9\t"\\',
  ]
  const client = await exchangeRaw(house().gateway.url, `${head.join('\r\n')}\r\nConnection: close\r\n\r\n`)
  const [response] = client.responses()
  const seen = origin.requests.at(-1)
  assert.deepEqual(seen?.values('x-set'), ['GET /edited/x 127.0.0.1'])
  assert.deepEqual(seen?.values('x-client'), ['mine'])
  assert.deepEqual(seen?.values('x-added'), ['one', 'two'])
  assert.deepEqual([seen?.values('user-agent'), seen?.values('x-gone')], [[], []])
  assert.deepEqual([response?.header('server'), response?.header('x-powered-by')], ['ferro', undefined])
  assert.equal(response?.header('x-id'), response?.header('x-ferro-request-id'))
  assert.equal(response?.header('x-said'), 'h\u00e9\t"\\')
  assert.deepEqual(
    response?.fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value),
    ['a=1', 'b=2'],
  )
  origin.on('/edited/cut', (request) => request.socket.destroy())
  const error = await house().ask('/edited/cut', { method: 'POST' })
  assert.deepEqual([error.status, error.headers.server], [502, 'ferro'])
})

test('H25 a client that waits for 100 gets it, and one that expects something else is told so', async () => {
  const { gateway, origin } = house()
  const before = origin.requests.length
  for (const framing of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
    const client = await RawClient.connect(gateway.url)
    await client.send(`POST /expect HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n${framing}\r\n\r\n`)
    const text = () => client.received.toString()
    while (!text().includes('\r\n\r\n')) await new Promise((resolve) => client.socket.once('data', resolve))
    assert.equal(text(), 'HTTP/1.1 100 Continue\r\n\r\n')
    await client.send(framing.startsWith('C') ? 'hello' : '5\r\nhello\r\n0\r\n\r\n')
    const [response] = await client.waitForResponses()
    assert.equal(JSON.parse(response?.body.toString() ?? '').bodyBytes, 5)
    client.close()
  }
  assert.ok(origin.requests.slice(before).every((seen) => seen.values('expect').length === 0))
  const reached = origin.requests.length
  for (const [lines, status] of [
    ['Expect: 200-ok\r\nContent-Length: 5', 417],
    ['Expect: 100-continue\r\nContent-Length: 99999999999', 413],
  ] as const) {
    const body = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
    const client = await exchangeRaw(gateway.url, `POST /expect HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${body}`)
    assert.deepEqual(
      client.responses().map((response) => response.status),
      [status],
    )
    assert.ok(!client.received.toString().includes('100 Continue'))
  }
  assert.equal(origin.requests.length, reached)
})

test('HEAD, 204 and 304 have no body, and what they say of one is kept', async () => {
  const { origin } = house()
  origin.on('/head', (_request, response) => response.writeHead(200, { 'content-length': '12345', etag: '"a"' }).end())
  origin.on('/none', (_request, response) => response.writeHead(204, { etag: '"b"' }).end())
  origin.on('/same', (_request, response) => response.writeHead(304, { etag: '"c"' }).end())
  origin.on('/reset', (_request, response) => response.writeHead(205, { 'content-length': '0' }).end())
  const client = await house().connect()
  const rows = [
    ['HEAD /head', 200, '12345', '"a"'],
    ['GET /none', 204, undefined, '"b"'],
    ['GET /same', 304, undefined, '"c"'],
    ['GET /reset', 205, '0', undefined],
  ] as const
  for (const [line, status, length, etag] of rows) {
    const from = client.receivedBytes
    await client.send(`${line} HTTP/1.1\r\nHost: a\r\n\r\nGET /after HTTP/1.1\r\nHost: a\r\n\r\n`)
    while (!client.received.subarray(from).includes('"url":"/after"'))
      await new Promise((resolve) => client.socket.once('data', resolve))
    const [head = '', next = ''] = client.received.subarray(from).toString().split('\r\n\r\n')
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `))
    assert.equal(/content-length: (\d+)/i.exec(head)?.[1], length, line)
    assert.equal(/etag: (.*)/i.exec(head)?.[1]?.trim(), etag, line)
    assert.match(next, /^HTTP\/1.1 200 /, line)
  }
  client.close()
})

test('F19 interim answers of the server are not the answer', async () => {
  house().origin.on('/interim', (request) => {
    const early =
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'
    request.socket.end(`${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`)
  })
  const answer = await house().ask('/interim')
  assert.deepEqual([answer.status, answer.text, answer.headers.link], [200, 'ok', undefined])
})

test('a client of HTTP/1.0 gets a body without chunks, ended by the connection', async () => {
  house().origin.on('/pieces', (_request, response) => {
    response.write('one ')
    response.end('two')
  })
  const client = await exchangeRaw(house().gateway.url, 'GET /pieces HTTP/1.0\r\n\r\n')
  const [response] = client.responses()
  assert.deepEqual([response?.body.toString(), response?.header('transfer-encoding')], ['one two', undefined])
  assert.equal(client.closeKind, 'fin')
})

test('H27 methods that ask for a tunnel, an echo or another protocol are passed on by no route', async () => {
  const before = house().origin.requests.length
  for (const method of ['CONNECT', 'TRACE', 'PRI']) {
    const client = await house().connect()
    await client.send(`${method} /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`)
    const [answer] = await client.waitForResponses()
    assert.deepEqual([answer?.status, answer?.header('allow')?.includes(method)], [405, false], method)
    client.close()
  }
  assert.equal(house().origin.requests.length, before)
})
