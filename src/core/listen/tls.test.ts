import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { type Certified, createAuthority } from '../../../test/harness/certificate.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { planOf, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { answer } from '../respond/answer.ts'
import type { CertificateFiles } from './certificates.ts'
import type { ListenerTls } from './tls.ts'

const authority = createAuthority()
const strangers = createAuthority('Strangers')
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Tells what the exchange knows of its client. */
const mirror = routeOf({
  inspect: (x) => {
    const { scheme, listener, certificate, address } = x.client
    answer(x, 200, 'text/plain', JSON.stringify({ scheme, listener, certificate, address }))
    return null
  },
})
const plan = planOf({ '/': { GET: mirror } })

function filesOf({ cert, key }: Certified, name = 'site'): CertificateFiles {
  return { cert: { file: `/etc/${name}.crt`, pem: cert }, key: { file: `/etc/${name}.key`, pem: key } }
}

const siteFor = (...names: string[]) => filesOf(authority.issue({ names }), names[0])

async function start(t: TestContext, tls: Partial<ListenerTls> = {}) {
  const { certificates = [siteFor('localhost')] } = tls
  return await startEdge(t, { plan, listener: { name: 'web', tls: { ...tls, certificates } } })
}

/** Connects; resolves when the handshake is over, rejects when it fails. */
async function open(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert, ...options })
  t.after(() => socket.destroy())
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  return socket
}

/** What one request of a connection is answered; rejects when the connection is closed instead. */
async function ask(socket: TLSSocket): Promise<string> {
  socket.write(REQUEST)
  const [bytes] = (await Promise.race([
    once(socket, 'data'),
    once(socket, 'close').then(() => Promise.reject(new Error('closed'))),
  ])) as [Buffer]
  return bytes.toString()
}

const namesShown = (socket: TLSSocket) => socket.getPeerX509Certificate()?.subjectAltName

test('serves HTTP/1.1 over TLS, and tells routes so', async (t) => {
  const { port } = await start(t)
  const socket = await open(t, port, { ALPNProtocols: ['http/1.1'] })
  assert.equal(socket.alpnProtocol, 'http/1.1')
  for (let round = 0; round < 2; round++) {
    const text = await ask(socket)
    assert.match(text, /^HTTP\/1.1 200 OK\r\n/)
    assert.match(text, /{"scheme":"https","listener":"web","certificate":null,"address":"127.0.0.1"}$/)
  }
})

test('chooses the certificate by server name: exact, then wildcard, then the first', async (t) => {
  const { port } = await start(t, {
    certificates: [siteFor('first.example'), siteFor('*.example.com'), siteFor('a.example.com', 'b.example.org')],
  })
  const rows: readonly (readonly [name: string, shown: string])[] = [
    ['a.example.com', 'DNS:a.example.com, DNS:b.example.org'],
    ['A.Example.COM', 'DNS:a.example.com, DNS:b.example.org'],
    ['b.example.org', 'DNS:a.example.com, DNS:b.example.org'],
    ['c.example.com', 'DNS:*.example.com'],
    ['c.d.example.com', 'DNS:first.example'],
    ['example.com', 'DNS:first.example'],
    ['elsewhere.test', 'DNS:first.example'],
    [`${'x'.repeat(250)}.test`, 'DNS:first.example'],
    ['', 'DNS:first.example'],
  ]
  for (const [servername, shown] of rows) {
    const socket = await open(t, port, { servername, checkServerIdentity: () => undefined })
    assert.equal(namesShown(socket), shown, servername)
  }
})

test('serves no version older than the least, nor what is no TLS', async (t) => {
  const { port, listener } = await start(t, { minVersion: 'TLSv1.3' })
  await assert.rejects(open(t, port, { maxVersion: 'TLSv1.2' }))
  const socket = connectTcp(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => undefined)
  socket.write(REQUEST)
  await once(socket, 'close')
  await eventually(() => listener.connections === 0)
  assert.equal((await open(t, port)).getProtocol(), 'TLSv1.3')
})

test('refuses what TLS cannot be served with, naming the files and nothing of what they hold', async (t) => {
  const good = siteFor('localhost')
  const other = siteFor('other.example')
  const { key } = good
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const secret = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const
  const encrypted = pair.privateKey.export(secret).toString()
  const broken = good.cert.pem.replace(/[A-Z]{3}/g, 'AAA')
  const rows: readonly (readonly [what: string, tls: ListenerTls, message: RegExp])[] = [
    ['another key', { certificates: [{ ...good, key: other.key }] }, /other.example.key .*localhost.crt/],
    ['no PEM', { certificates: [{ ...good, cert: { file: '/c', pem: 'hello' } }] }, /^\/c does not begin/],
    ['a broken one', { certificates: [{ ...good, cert: { file: '/c', pem: broken } }] }, /\/c/],
    ['no key', { certificates: [{ ...good, key: { file: '/k', pem: good.cert.pem } }] }, /^\/k holds no private key/],
    ['a secret key', { certificates: [{ ...good, key: { file: '/k', pem: encrypted } }] }, /\/k is encrypted/],
    ['the second', { certificates: [good, { ...other, key }] }, /localhost.key .*other.example.crt/],
    ['no authority', { certificates: [good], clientCa: { file: '/ca', pem: 'x' } }, /^\/ca holds no certificate/],
    ['none', { certificates: [] }, /needs a certificate/],
  ]
  const { listener, port } = await start(t)
  for (const [what, tls, message] of rows) {
    assert.throws(
      () => listener.updateTls(tls),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'bad_certificate', what)
        assert.match(error.message, message, what)
        assert.doesNotMatch(error.message, /BEGIN|MII/, what)
        return true
      },
    )
  }
  assert.match(await ask(await open(t, port)), /200 OK/)
})

test('serves new certificates at once, and cuts no connection', async (t) => {
  const { port, listener } = await start(t, { certificates: [siteFor('localhost')] })
  const before = await open(t, port)
  await ask(before)
  listener.updateTls({ certificates: [siteFor('localhost', 'second.example')] })
  const after = await open(t, port)
  assert.equal(namesShown(after), 'DNS:localhost, DNS:second.example')
  assert.match(await ask(after), /200 OK/)
  assert.match(await ask(before), /200 OK/)
  assert.deepEqual(listener.certificates[0]?.names, ['localhost', 'second.example'])
})

test('asks for client certificates as it is told, and tells routes who the client is', async (t) => {
  const clientCa = { file: '/ca', pem: authority.cert }
  const known = authority.issue({ names: ['client.example'] })
  const stranger = strangers.issue({ names: ['client.example'] })
  const rows: readonly (readonly [mode: 'ignore' | 'request' | 'require', shown: Certified | null, served: boolean])[] =
    [
      ['ignore', known, true],
      ['request', known, true],
      ['request', null, true],
      ['request', stranger, false],
      ['require', known, true],
      ['require', null, false],
      ['require', stranger, false],
    ]
  for (const [clientCertificate, shown, served] of rows) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { port, endings } = await start(t, { clientCertificate, clientCa })
      const asked = async () => await ask(await open(t, port, { ...shown, maxVersion }))
      const what = `${clientCertificate}, ${shown === known ? 'known' : shown === null ? 'none' : 'a stranger'}`
      if (!served) {
        await assert.rejects(asked(), what)
        assert.equal(endings.length, 0, what)
        continue
      }
      const text = await asked()
      const told = clientCertificate !== 'ignore' && shown !== null
      const expected =
        /"certificate":{"subject":"CN=Test server","attributes":\[\["CN","Test server"\]\],"fingerprint":"[0-9a-f]{64}","names":\["DNS:client.example"\]}/
      assert.match(text, told ? expected : /"certificate":null/, what)
    }
  }
})

/** Connects, asks once, and gives the session that the next connection may resume. */
async function sessionOf(t: TestContext, port: number, options: ConnectionOptions): Promise<Buffer> {
  const socket = await open(t, port, options)
  await ask(socket)
  const session = socket.getSession()
  assert.ok(session !== undefined)
  return session
}

test('sessions are resumed at every listener of one seed, with the client certificate they began with', async (t) => {
  const ticketSeed = randomBytes(48)
  const clientCa = { file: '/ca', pem: authority.cert }
  const tls: Partial<ListenerTls> = { ticketSeed, clientCa, clientCertificate: 'request' }
  const [one, two, other] = await Promise.all([
    start(t, tls),
    start(t, tls),
    start(t, { ...tls, ticketSeed: randomBytes(48) }),
  ])
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { maxVersion, ...authority.issue({ names: ['client.example'] }) }
    const session = await sessionOf(t, one.port, options)
    const resumed = await open(t, two.port, { ...options, session })
    assert.equal(resumed.isSessionReused(), true, maxVersion)
    assert.match(await ask(resumed), /"names":\["DNS:client.example"\]/)
    assert.equal((await open(t, other.port, { ...options, session })).isSessionReused(), false)
  }
})

test('a session of a client that another authority vouched for is not resumed', async (t) => {
  const certificates = [siteFor('localhost')]
  const both = { file: '/ca', pem: authority.cert + strangers.cert }
  const { port, listener } = await start(t, { certificates, clientCa: both, clientCertificate: 'require' })
  const options = { ...strangers.issue({ names: ['client.example'] }) }
  const session = await sessionOf(t, port, options)
  listener.updateTls({ certificates, clientCa: { file: '/ca', pem: authority.cert }, clientCertificate: 'require' })
  await assert.rejects(async () => await ask(await open(t, port, { ...options, session })))
})

test('handshakes that lead nowhere are bounded: the oldest makes room', async (t) => {
  const { port, listener } = await start(t, { maxHandshakes: 10 })
  const silent = Array.from({ length: 30 }, () => {
    const socket = connectTcp(port, '127.0.0.1')
    // A record that begins a ClientHello, and nothing more.
    socket.write(Buffer.from('1603010200010001fc0303', 'hex'))
    socket.on('error', () => undefined)
    t.after(() => socket.destroy())
    return socket
  })
  await eventually(() => silent.filter((socket) => socket.readyState === 'closed').length === 20)
  assert.equal(listener.connections, 10)
  assert.match(await ask(await open(t, port)), /200 OK/)
})

test('L17 handshakes that lead nowhere leave room for connections, however few a listener takes', async (t) => {
  const { port, listener } = await startEdge(t, {
    plan,
    listener: { maxConnections: 40, tls: { certificates: [siteFor('localhost')] } },
  })
  const silent = Array.from({ length: 40 }, () => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => undefined)
    t.after(() => socket.destroy())
    return socket
  })
  await eventually(() => silent.filter((socket) => socket.readyState === 'closed').length === 30)
  assert.equal(listener.connections, 10)
  assert.match(await ask(await open(t, port)), /200 OK/)
})

test('L17 a handshake that takes too long is given up, and idle ones end with the listener', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { port, listener } = await start(t)
  const socket = connectTcp(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => undefined)
  await eventually(() => listener.connections === 1)
  const now = performance.now()
  t.mock.method(performance, 'now', () => now + 9_000)
  t.mock.timers.tick(1_000)
  assert.equal(listener.connections, 1)
  t.mock.method(performance, 'now', () => now + 10_100)
  t.mock.timers.tick(1_000)
  t.mock.restoreAll()
  await once(socket, 'close')
  await eventually(() => listener.connections === 0)
})

test('curl and openssl agree with it', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'ferro-tls-'))
  t.after(() => rmSync(dir, { recursive: true }))
  writeFileSync(path.join(dir, 'ca.pem'), authority.cert)
  const { port } = await start(t)
  const run = promisify(execFile)
  const url = `https://localhost:${port}/`
  const curl = await run('curl', ['-sS', '--http1.1', '--cacert', path.join(dir, 'ca.pem'), url])
  assert.match(curl.stdout, /"scheme":"https"/)
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-alpn', 'http/1.1', '-tls1_2']
  const asked = run('openssl', [...args, '-CAfile', path.join(dir, 'ca.pem')])
  asked.child.stdin?.end('Q\n')
  assert.match((await asked).stdout, /ALPN protocol: http\/1.1[\s\S]*Verify return code: 0 \(ok\)/)
})
