import assert from 'node:assert/strict'
import { once } from 'node:events'
import { BlockList, connect as connectTcp } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createAuthority } from '../../../test/harness/certificate.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { RawClient } from '../../../test/harness/raw-client.ts'
import { planOf, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { answer } from '../respond/answer.ts'
import type { ListenerTls } from './tls.ts'

const HEADER = 'PROXY TCP4 203.0.113.7 10.0.0.1 4711 443\r\n'
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

const plan = planOf({
  '/': {
    GET: routeOf({
      inspect: (x) => {
        answer(x, 200, 'text/plain', String(x.client.address))
        return null
      },
    }),
  },
})

function networks(...addresses: string[]): BlockList {
  const list = new BlockList()
  for (const address of addresses) list.addAddress(address)
  return list
}

const LOOPBACK = networks('127.0.0.1')
const NOBODY = networks()

interface Setting {
  readonly mode: 'optional' | 'required'
  readonly trusted?: BlockList
  readonly tls?: ListenerTls
  readonly headerTimeoutMs?: number
}

async function start(t: TestContext, { mode, trusted = LOOPBACK, tls, headerTimeoutMs = 10_000 }: Setting) {
  const edge = await startEdge(t, {
    plan,
    listener: { proxyProtocol: { mode, trusted }, headerTimeoutMs, ...(tls === undefined ? {} : { tls }) },
  })
  const client = async () => {
    const connected = await RawClient.connect(edge.url)
    t.after(() => connected.close())
    return connected
  }
  return { edge, client }
}

test('a trusted proxy says who the client is, for every request of the connection', async (t) => {
  for (const mode of ['optional', 'required'] as const) {
    const { client } = await start(t, { mode })
    const connected = await client()
    await connected.send(HEADER + REQUEST)
    await connected.waitForResponses(1)
    await connected.send(REQUEST)
    const responses = await connected.waitForResponses(2)
    assert.deepEqual(
      responses.map(({ body }) => body.toString()),
      ['203.0.113.7', '203.0.113.7'],
    )
  }
})

test('a header that comes byte by byte is read, and what follows it is served', async (t) => {
  const { client } = await start(t, { mode: 'required' })
  const connected = await client()
  for (const byte of HEADER + REQUEST) await connected.send(byte)
  assert.equal((await connected.waitForResponses())[0]?.body.toString(), '203.0.113.7')
})

test('without a header a connection is its own peer, or closed where one is required', async (t) => {
  const optional = await (await start(t, { mode: 'optional' })).client()
  await optional.send(REQUEST)
  assert.equal((await optional.waitForResponses())[0]?.body.toString(), '127.0.0.1')
  const required = await (await start(t, { mode: 'required' })).client()
  await required.send(REQUEST)
  await required.waitForClose()
  assert.equal(required.receivedBytes, 0)
})

test('an address that is not trusted is never believed, and not served where a header is required', async (t) => {
  const optional = await (await start(t, { mode: 'optional', trusted: NOBODY })).client()
  await optional.send(HEADER + REQUEST)
  assert.equal((await optional.waitForResponses())[0]?.status, 400)
  const { edge, client } = await start(t, { mode: 'required', trusted: NOBODY })
  const required = await client()
  await required.send(HEADER + REQUEST).catch(() => undefined)
  await required.waitForClose()
  assert.equal(edge.endings.length, 0)
})

test('a header that cannot be read ends the connection, and so does one that does not come', async (t) => {
  const { edge, client } = await start(t, { mode: 'optional', headerTimeoutMs: 300 })
  const wrong = await client()
  await wrong.send(`PROXY TCP4 203.0.113.7 10.0.0.1 4711 99999\r\n${REQUEST}`)
  await wrong.waitForClose()
  const silent = await client()
  await silent.send('PRO')
  await silent.waitForClose()
  const left = await client()
  await left.send('PROXY TCP4 ')
  left.socket.end()
  await eventually(() => edge.listener.connections === 0)
  assert.equal(wrong.receivedBytes + silent.receivedBytes, 0)
})

test('the header comes before TLS, in one packet with the first bytes of it or alone', async (t) => {
  const authority = createAuthority()
  const { cert, key } = authority.issue({ names: ['localhost'] })
  const files = { cert: { file: 'c', pem: cert }, key: { file: 'k', pem: key } }
  const { edge } = await start(t, { mode: 'required', tls: { certificates: [files] } })
  for (const together of [true, false]) {
    const socket = connectTcp(edge.port, '127.0.0.1')
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    if (together) socket.cork()
    socket.write(HEADER)
    const secure = connectTls({ socket, servername: 'localhost', ca: authority.cert, ALPNProtocols: ['http/1.1'] })
    if (together) process.nextTick(() => socket.uncork())
    await once(secure, 'secureConnect')
    secure.write(REQUEST)
    const [bytes] = (await once(secure, 'data')) as [Buffer]
    assert.match(bytes.toString(), /203\.0\.113\.7$/)
  }
})
