import assert from 'node:assert/strict'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer, getCACertificates, setDefaultCACertificates, type TLSSocket, type TlsOptions } from 'node:tls'
import { type Certified, createAuthority } from '../../../test/harness/certificate.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { clientTo, GET, send } from '../../../test/request-path/client.ts'
import { Recorder } from '../../../test/request-path/recorder.ts'
import { startRaw } from '../../../test/request-path/upstream.ts'
import type { DispatchController } from '../phases.ts'
import { faultOf } from './fault.ts'
import { endpointOf } from './open-socket.ts'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour'
const DAY_MS = 86_400_000
const MEBIBYTE = 1_048_576

const authority = createAuthority()
setDefaultCACertificates([...getCACertificates('default'), authority.cert])

interface TlsUpstream {
  readonly port: number
  readonly origin: string
  readonly open: Set<TLSSocket>
  /** Of each connection: whether it resumed a session, which name it asked for, what it offered. */
  readonly seen: { resumed: boolean; name: string | false | null; alpn: string | false | null }[]
}

async function startTls(
  t: TestContext,
  options: TlsOptions & Certified,
  serve: (socket: TLSSocket) => void = (socket) => socket.on('data', () => socket.write(ANSWER)),
): Promise<TlsUpstream> {
  const seen: TlsUpstream['seen'] = []
  const open = new Set<TLSSocket>()
  const server = createServer({ ALPNProtocols: ['h2', 'http/1.1'], ...options }, (socket) => {
    seen.push({ resumed: socket.isSessionReused(), name: socket.servername, alpn: socket.alpnProtocol })
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {
      // A client that refuses a certificate says so; `close` follows.
    })
    serve(socket)
  })
  server.on('tlsClientError', () => {
    // The same before the handshake is over.
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  return { port, origin: `https://localhost:${port}`, open, seen }
}

const good = authority.issue({ names: ['localhost', '127.0.0.1'] })

test('talks HTTP/1.1 over TLS to a server that it trusts, by name and by address', async (t) => {
  const upstream = await startTls(t, good)
  for (const [host, name] of [
    ['localhost', 'localhost'],
    ['127.0.0.1', false],
  ] as const) {
    const client = clientTo(t, `https://${host}:${upstream.port}`)
    for (let round = 0; round < 3; round++) {
      const { status, body, error } = await send(client).ended()
      assert.deepEqual([status, body.toString(), error], [200, 'four', null], host)
    }
    assert.deepEqual(upstream.seen.pop(), { resumed: false, name, alpn: 'http/1.1' })
  }
  assert.deepEqual(upstream.seen, [])
})

test('F22 a server that cannot be trusted is told as such, each time, and never hears the request', async (t) => {
  const past = { notBefore: new Date(Date.now() - 9 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) }
  const future = { notBefore: new Date(Date.now() + DAY_MS), notAfter: new Date(Date.now() + 9 * DAY_MS) }
  const rows: readonly (readonly [what: string, certified: Certified, code: string])[] = [
    ['another name', authority.issue({ names: ['elsewhere.test'] }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['an expired one', authority.issue({ names: ['localhost'], ...past }), 'CERT_HAS_EXPIRED'],
    ['one of the future', authority.issue({ names: ['localhost'], ...future }), 'CERT_NOT_YET_VALID'],
    ['another authority', createAuthority('Other').issue({ names: ['localhost'] }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ]
  for (const [what, certified, code] of rows) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      let heard = 0
      const upstream = await startTls(t, { ...certified, maxVersion }, (socket) => socket.on('data', () => heard++))
      const endpoint = endpointOf(upstream.origin, 2_000)
      // Again with what the first connection left: a session that skips the check would show.
      for (let round = 0; round < 3; round++) {
        const { error, events } = await send(clientTo(t, upstream.origin, endpoint)).ended()
        assert.deepEqual([events, error?.code], [['error'], code], `${what}, ${maxVersion}`)
        assert.equal(faultOf(error as Error, 'far', false, false).code, 'upstream_tls')
      }
      assert.equal(endpoint.tlsSession, null, what)
      await eventually(() => upstream.open.size === 0)
      assert.equal(heard, 0, what)
    }
  }
})

test('an address needs a certificate of its own', async (t) => {
  const upstream = await startTls(t, authority.issue({ names: ['localhost'] }))
  const { error } = await send(clientTo(t, `https://127.0.0.1:${upstream.port}`)).ended()
  assert.equal(error?.code, 'ERR_TLS_CERT_ALTNAME_INVALID')
})

test('F22 what is no TLS, or none that both sides know, is a failed handshake', async (t) => {
  const plain = await startRaw(t, (socket) => socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  const old = await startTls(t, { ...good, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' })
  const modern = await startTls(t, { ...good, ALPNProtocols: ['h2'] })
  for (const port of [plain.port, old.port, modern.port]) {
    const { error, events } = await send(clientTo(t, `https://localhost:${port}`)).ended()
    assert.deepEqual(events, ['error'])
    assert.equal(faultOf(error as Error, 'far', false, false).code, 'upstream_tls', String(error?.code))
  }
  for (const end of ['end', 'resetAndDestroy'] as const) {
    const closing = await startRaw(t, (socket) => socket.once('data', () => socket[end]()))
    const { error, events } = await send(clientTo(t, `https://localhost:${closing.port}`)).ended()
    assert.deepEqual(events, ['error'], end)
    assert.equal(faultOf(error as Error, 'far', false, false).code, 'upstream_unreachable', String(error?.code))
  }
})

test('F22 a handshake that hangs is given up at the connect deadline', async (t) => {
  const silent = createNetServer()
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.after(() => silent.close())
  const origin = `https://localhost:${(silent.address() as AddressInfo).port}`
  const { error } = await send(clientTo(t, origin, endpointOf(origin, 200))).ended()
  assert.equal(error?.code, 'connect_timeout')
})

test('the next connection resumes the session of the last one', async (t) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const upstream = await startTls(t, { ...good, maxVersion }, (socket) => socket.on('data', () => socket.end(ANSWER)))
    const endpoint = endpointOf(upstream.origin, 2_000)
    for (let round = 0; round < 4; round++) {
      assert.equal((await send(clientTo(t, upstream.origin, endpoint)).ended()).error, null)
      await eventually(() => endpoint.tlsSession !== null, { what: 'a session' })
    }
    const resumed = upstream.seen.map(({ resumed }) => resumed)
    assert.deepEqual(resumed, [false, true, true, true], maxVersion)
  }
})

test('a session that the server has forgotten costs a handshake, not the request', async (t) => {
  const first = await startTls(t, good)
  const endpoint = endpointOf(first.origin, 2_000)
  await send(clientTo(t, first.origin, endpoint)).ended()
  await eventually(() => endpoint.tlsSession !== null)
  const second = await startTls(t, good)
  const moved = { ...endpoint, port: second.port }
  assert.equal((await send(clientTo(t, second.origin, moved)).ended()).body.toString(), 'four')
  assert.deepEqual(second.seen[0]?.resumed, false)
})

test('what a handler keeps of answers over TLS is its own, and pauses hold the upstream back', async (t) => {
  const size = 6 * MEBIBYTE
  const letters = ['a', 'b', 'c']
  const exchanges = await Promise.all(
    letters.map(async (letter, at) => {
      const upstream = await startTls(t, good, (socket) =>
        socket.once('data', () => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
          for (let left = size; left > 0; left -= 65_536) socket.write(letter.repeat(Math.min(left, 65_536)))
        }),
      )
      const onData = (turn: DispatchController) => {
        if (at === 0) return
        turn.pause()
        setTimeout(() => turn.resume(), at)
      }
      return { letter, recorder: send(clientTo(t, upstream.origin), new Recorder({ onData })) }
    }),
  )
  for (const { letter, recorder } of exchanges) {
    await recorder.ended()
    assert.equal(recorder.error, null)
    assert.equal(recorder.received, size)
    assert.ok(recorder.chunks.every((chunk) => chunk.equals(Buffer.alloc(chunk.length, letter))))
  }
})

test('a paused answer over TLS comes to a halt, and comes whole after it is resumed', async (t) => {
  const whole = Buffer.from(Uint32Array.from({ length: 8 * MEBIBYTE }, (_, at) => at).buffer)
  const upstream = await startTls(t, good, (socket) =>
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${whole.length}\r\n\r\n`)
      socket.write(whole)
    }),
  )
  const recorder = send(clientTo(t, upstream.origin), new Recorder({ onHead: (turn) => turn.pause() }))
  await eventually(() => recorder.status === 200)
  let before = -1
  await eventually(
    () => {
      const same = before === recorder.received
      before = recorder.received
      return same
    },
    { everyMs: 100 },
  )
  // What was decrypted when it paused still comes.
  assert.ok(recorder.received <= 131_072, `${recorder.received} bytes came while paused`)
  recorder.controller?.resume()
  assert.ok((await recorder.ended()).body.equals(whole))
})

test('ends of a TLS connection are told once, with their codes, and an abort closes it', async (t) => {
  const rows: readonly (readonly [serve: (socket: TLSSocket) => void, events: string, code: string | null])[] = [
    [(socket) => socket.end(), 'start error', 'connection_closed'],
    [(socket) => socket.destroy(), 'start error', 'connection_closed'],
    [
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour'),
      'start head data error',
      'connection_closed',
    ],
    [(socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nfour'), 'start head data end', null],
  ]
  for (const [serve, events, code] of rows) {
    const upstream = await startTls(t, good, (socket) => socket.once('data', () => serve(socket)))
    const client = clientTo(t, upstream.origin)
    for (let round = 0; round < 2; round++) {
      const recorder = await send(client).ended()
      assert.deepEqual([recorder.events.join(' '), recorder.error?.code ?? null], [events, code])
    }
    await eventually(() => upstream.open.size === 0)
  }
  const upstream = await startTls(t, good, (socket) => socket.resume())
  const recorder = send(clientTo(t, upstream.origin))
  await eventually(() => recorder.controller)
  recorder.controller?.abort(new Error('enough'))
  assert.equal(recorder.error?.message, 'enough')
  await eventually(() => upstream.open.size === 0, { deadlineMs: 500 })
})

test('a large body goes over TLS while the answer comes', async (t) => {
  const body = Buffer.alloc(8 * MEBIBYTE, 'x')
  let heard = 0
  const upstream = await startTls(t, good, (socket) =>
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.length
      if (heard > body.length) socket.write(ANSWER)
    }),
  )
  const { error, body: answer } = await send(clientTo(t, upstream.origin), new Recorder(), {
    ...GET,
    method: 'POST',
    body,
  }).ended()
  assert.deepEqual([answer.toString(), error], ['four', null])
})
