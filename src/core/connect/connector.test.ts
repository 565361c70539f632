import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { createAuthority } from '../../../test/harness/certificate.ts'
import { type DnsAnswer, startDns } from '../../../test/harness/dns-server.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { blackhole } from '../../../test/harness/wall/blackhole.ts'
import { Connector, type ConnectorOptions } from './connector.ts'
import type { Destination, EgressEvent } from './destination.ts'
import { compileEgressPolicy, type EgressRule } from './egress-policy.ts'
import { dnsNames } from './name-source.ts'
import { Resolver } from './resolve.ts'

/** Lets the tests reach loopback where the default would not. */
const LOOPBACK: EgressRule = { id: 'test', action: 'allow', addresses: ['127.0.0.2', '127.0.0.3'] }

interface Tried {
  readonly socket: Socket
  /** `ok`, or the code of the error. */
  readonly result: string
  readonly message: string
}

function destinationOf(parts: Partial<Destination>): Destination {
  const fixed = { connectTimeoutMs: 5_000, tls: null, tlsContext: null, tlsSession: null }
  return { host: '127.0.0.1', port: 443, namedBy: 'other', ...fixed, ...parts }
}

function setUp(t: TestContext, options: ConnectorOptions = {}) {
  const events: EgressEvent[] = []
  const connector = new Connector({ ...options, observe: (event) => events.push(event) })
  /** Connects, and waits until it is known how that ended. */
  const attempt = (parts: Partial<Destination>): Promise<Tried> =>
    new Promise((resolve) => {
      const socket = connector.connect(destinationOf(parts), {
        onConnect: () => resolve({ socket, result: 'ok', message: '' }),
      })
      socket.on('error', (error: NodeJS.ErrnoException) =>
        resolve({ socket, result: error.code ?? '', message: error.message }),
      )
      t.after(() => socket.destroy())
    })
  return { connector, events, attempt }
}

async function listening<S extends Server>(t: TestContext, server: S, host = '127.0.0.1', port = 0): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {
      // A client that goes away; `close` follows.
    })
  })
  server.listen(port, host)
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

const resolverOf = (addresses: readonly string[]) =>
  new Resolver({ source: async () => addresses.map((address) => ({ address, ttlSeconds: null })) })

test('lets nobody but the operator reach what is inside, however it is spelled', async (t) => {
  let reached = 0
  const port = await listening(
    t,
    createServer(() => reached++),
  )
  const byPort = setUp(t)
  // Every port is open for one address, so that for all others the address alone decides.
  const policy = compileEgressPolicy([{ id: 'ports', action: 'allow', addresses: ['8.8.8.8'], ports: [[1, 65_535]] }])
  const byAddress = setUp(t, { policy, resolver: resolverOf(['127.0.0.1']) })
  const inside = [
    ...['127.0.0.1', '0.0.0.0', '0', '127.1', '2130706433', '0x7f.1', '017700000001', '::1', '::', '::ffff:127.0.0.1'],
    ...['fe80::', 'fc00::', '169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '100.64.0.1', '224.0.0.1'],
    ...[
      '192.0.0.1',
      '198.18.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      'localhost.',
      'metadata.google.internal',
      '[::1]',
    ],
  ]
  for (const host of inside) {
    for (const [{ attempt }, at] of [
      [byPort, 443],
      [byPort, port],
      [byAddress, port],
    ] as const) {
      const { result, message } = await attempt({ host, port: at })
      assert.equal(result, 'egress_denied', host)
      assert.match(message, /^Egress denied: no connection may go to ".+" \(rule default:[a-z-]+\)\.$/)
    }
  }
  assert.equal(reached, 0)
  const events = [...byPort.events, ...byAddress.events]
  assert.ok(events.every(({ outcome, address }) => outcome === 'denied' && address === null))
  assert.equal(events.length, 3 * inside.length)
  // What listens and what does not are told in the same words.
  const [open, closed] = [await byAddress.attempt({ port }), await byAddress.attempt({ port: 1 })]
  assert.equal(open.message, closed.message)
})

test('a host that the operator named may be inside, and the log says what came of it', async (t) => {
  const port = await listening(t, createServer())
  const { attempt, events } = setUp(t)
  for (const host of ['127.0.0.1', 'localhost', '::ffff:127.0.0.1']) {
    assert.equal((await attempt({ host, port, namedBy: 'operator' })).result, 'ok', host)
    const event = events.pop()
    assert.ok(event && event.durationMs >= 0)
    const { address, durationMs: _, ...rest } = event
    assert.match(address ?? '', /127\.0\.0\.1$/)
    assert.deepEqual(rest, {
      host,
      port,
      namedBy: 'operator',
      rule: 'operator:named',
      outcome: 'connected',
      code: null,
    })
  }
  assert.equal((await attempt({ port: 1, namedBy: 'operator' })).result, 'ECONNREFUSED')
  assert.deepEqual([events[0]?.outcome, events[0]?.code, events[0]?.rule], ['failed', 'ECONNREFUSED', 'operator:named'])
})

test('a name with one public and one private address is refused', async (t) => {
  const dns = await startDns(t, () => ({ addresses: ['93.184.215.14', '10.0.0.1'] }))
  const resolver = new Resolver({ source: dnsNames({ servers: [dns.address] }) })
  const { attempt, events } = setUp(t, { resolver })
  assert.equal((await attempt({ host: 'mixed.example.com' })).result, 'egress_denied')
  assert.equal(events[0]?.rule, 'default:private')
  assert.doesNotMatch((await attempt({ host: 'mixed.example.com' })).message, /10\.0\.0\.1/)
})

test('a name that answers differently each time is connected at the address that was vetted', async (t) => {
  const good = createServer((socket) => socket.end('good'))
  const port = await listening(t, good, '127.0.0.2')
  let evil = 0
  const trap = createServer(() => evil++)
  await listening(t, trap, '127.0.0.3', port)
  const answers: DnsAnswer[] = []
  const tell = (name: string, type: string): DnsAnswer => {
    if (type === 'AAAA') return {}
    const asked = answers.push({ addresses: [answers.length === 0 ? '127.0.0.2' : '127.0.0.3'], ttlSeconds: 0 })
    return answers[asked - 1] ?? assert.fail(name)
  }
  const dns = await startDns(t, tell)
  let nowMs = 0
  const resolver = new Resolver({ source: dnsNames({ servers: [dns.address] }), now: () => nowMs })
  const policy = compileEgressPolicy([{ ...LOOPBACK, addresses: ['127.0.0.2'] }])
  const { attempt, events } = setUp(t, { resolver, policy })
  const { socket } = await attempt({ host: 'rebind.example.com', port })
  assert.equal(socket.remoteAddress, '127.0.0.2')
  assert.equal(dns.questions.filter((question) => question.startsWith('A ')).length, 1)
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  assert.equal(bytes.toString(), 'good')
  // The next connection asks anew, and what it is told now is refused.
  nowMs = 60_000
  assert.equal((await attempt({ host: 'rebind.example.com', port })).result, 'egress_denied')
  assert.equal(evil, 0)
  assert.deepEqual(
    events.map(({ outcome, address }) => [outcome, address]),
    [
      ['connected', '127.0.0.2'],
      ['denied', null],
    ],
  )
})

test('F21 goes on to the next vetted address when one does not answer, and TLS asks for the name', async (t) => {
  const authority = createAuthority()
  const names: (string | false | null)[] = []
  const server = createTlsServer(authority.issue({ names: ['app.example.com'] }), (socket) =>
    names.push(socket.servername),
  )
  const port = await listening(t, server, '127.0.0.2')
  const resolver = resolverOf(['127.0.0.3', '127.0.0.2'])
  const { attempt, events } = setUp(t, { resolver, policy: compileEgressPolicy([LOOPBACK]) })
  const tls = { ca: authority.cert }
  assert.equal((await attempt({ host: 'app.example.com.', port, tls })).result, 'ok')
  assert.equal(events[0]?.address, '127.0.0.2')
  assert.equal((await attempt({ host: 'other.example.com', port, tls })).result, 'ERR_TLS_CERT_ALTNAME_INVALID')
  assert.equal(
    (await attempt({ host: 'other.example.com', port, tls: { ...tls, serverName: 'app.example.com' } })).result,
    'ok',
  )
  await eventually(() => names.length >= 2)
  assert.deepEqual(new Set(names.filter((name) => name !== 'other.example.com')), new Set(['app.example.com']))
})

test('a pinned address is the only one that is tried, and is vetted like any other', async (t) => {
  const port = await listening(t, createServer(), '127.0.0.2')
  const resolver = resolverOf(['127.0.0.3'])
  const { attempt } = setUp(t, { resolver, policy: compileEgressPolicy([LOOPBACK]) })
  const host = 'app.example.com'
  assert.equal((await attempt({ host, port, address: '127.0.0.2' })).socket.remoteAddress, '127.0.0.2')
  assert.equal((await attempt({ host, port, address: '127.0.0.3' })).result, 'ECONNREFUSED')
  assert.equal((await attempt({ host, port: 443, address: '127.0.0.4' })).result, 'egress_denied')
})

test('F22 trusts no server that it cannot verify, shows its certificate, and keeps to the lowest version', async (t) => {
  const authority = createAuthority()
  const own = authority.issue({ names: ['client'] })
  const serve = (options: TlsOptions) => {
    const seen: boolean[] = []
    const server = createTlsServer(
      { ...authority.issue({ names: ['127.0.0.1'] }), ...options },
      (socket: TLSSocket) => {
        seen.push(socket.authorized)
        socket.end()
      },
    )
    return listening(t, server).then((port) => ({ port, seen }))
  }
  const { attempt } = setUp(t)
  const tryAt = async (port: number, tls: Destination['tls']) =>
    (await attempt({ port, namedBy: 'operator', tls })).result

  const plain = await serve({})
  assert.equal(await tryAt(plain.port, {}), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  assert.equal(await tryAt(plain.port, { ca: authority.cert }), 'ok')
  assert.equal(await tryAt(plain.port, { ca: createAuthority('Other').cert }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  assert.equal(await tryAt(plain.port, { ca: 'no certificate' }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')

  const mutual = await serve({ requestCert: true, rejectUnauthorized: true, ca: authority.cert })
  assert.equal(await tryAt(mutual.port, { ca: authority.cert, ...own }), 'ok')
  await eventually(() => mutual.seen[0] === true)

  const old = await serve({ maxVersion: 'TLSv1.2' })
  assert.equal(await tryAt(old.port, { ca: authority.cert }), 'ok')
  assert.match(await tryAt(old.port, { ca: authority.cert, minVersion: 'TLSv1.3' }), /^(?:ERR_SSL|EPROTO)/)
})

test('settings that make no TLS context fail like a connection, and are not thrown', async (t) => {
  const { attempt, events } = setUp(t)
  const { result } = await attempt({ namedBy: 'operator', tls: { cert: 'nonsense', key: 'nonsense' } })
  assert.match(result, /^ERR_OSSL/)
  assert.equal(events[0]?.outcome, 'failed')
  assert.equal((await attempt({ namedBy: 'operator', port: 70_000 })).result, 'ERR_SOCKET_BAD_PORT')
})

test('reaches a Unix socket for the operator, and for nobody else', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'egress-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const socketPath = path.join(folder, 'app.sock')
  const server = createServer((socket) => socket.end('hello'))
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  t.after(() => server.close())
  const { attempt, events } = setUp(t)
  const { socket } = await attempt({ socketPath, namedBy: 'operator' })
  assert.equal(String((await once(socket, 'data'))[0]), 'hello')
  assert.equal((await attempt({ socketPath })).result, 'egress_denied')
  assert.deepEqual(
    events.map(({ host, rule, outcome }) => [host, rule, outcome]),
    [
      [socketPath, 'operator:unix', 'connected'],
      [socketPath, 'default:unix', 'denied'],
    ],
  )
})

test('F21 gives up at the connect deadline, which covers the name too', async (t) => {
  const hole = await blackhole()
  t.after(() => hole.close())
  const dns = await startDns(t, () => ({ fault: 'silence' }))
  const resolver = new Resolver({ source: dnsNames({ servers: [dns.address], timeoutMs: 500, tries: 1 }) })
  const { attempt, events } = setUp(t, { resolver })
  const quick = { namedBy: 'operator', connectTimeoutMs: 100 } as const
  assert.equal((await attempt({ ...quick, port: hole.port })).result, 'connect_timeout')
  assert.equal((await attempt({ ...quick, host: 'slow.test' })).result, 'connect_timeout')
  assert.deepEqual(
    events.map(({ outcome, code, rule }) => [outcome, code, rule]),
    [
      ['failed', 'connect_timeout', 'operator:named'],
      ['failed', 'connect_timeout', null],
    ],
  )
})

test('a connection that its asker gives up is told as abandoned, once', async (t) => {
  const hole = await blackhole()
  t.after(() => hole.close())
  const { connector, events } = setUp(t)
  const socket = connector.connect(destinationOf({ port: hole.port, namedBy: 'operator' }), {
    onConnect: () => assert.fail('connected'),
  })
  socket.destroy()
  await once(socket, 'close')
  assert.deepEqual(
    events.map(({ outcome, code }) => [outcome, code]),
    [['abandoned', null]],
  )
})
