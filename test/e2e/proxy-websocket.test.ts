/* S17: upgrades. Frames are not looked at: ping and close codes are between the client and its server; sizes cost nothing. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { eventually, within } from '../harness/eventually.ts'
import { RawClient } from '../harness/raw-client.ts'
import { acceptLines, CLOSE, frameOf, onFrames } from '../harness/web-socket-server.ts'
import { openDescriptors, residentBytes, scaled } from './house.ts'
import { useProxyHouse } from './proxy-house.ts'

const IDLE_MS = 600
const house = useProxyHouse({
  routes: () => [
    { id: 'all', match: { path: '/**' }, upstream: 'pool' },
    { id: 'socket', match: { path: { prefix: '/ws' } }, upstream: 'pool', upgrade: ['websocket'] },
    {
      id: 'idle',
      match: { path: { prefix: '/idle' } },
      upstream: 'pool',
      upgrade: ['websocket'],
      timeouts: { idle: `${IDLE_MS}ms` },
    },
    {
      id: 'named',
      match: { path: { prefix: '/named' } },
      upstream: 'pool',
      upgrade: ['websocket'],
      upgrade_origins: ['same', 'https://app.example.com', 'https://*.example.org'],
    },
    {
      id: 'cors',
      match: { path: { prefix: '/cors' } },
      upstream: 'pool',
      upgrade: ['websocket'],
      cors: { origins: ['https://app.example.com'] },
    },
  ],
})

/** Answers with the same frames; a text of "bye" is answered with a close of code 4001. */
function echo({ socket, headers }: IncomingMessage): void {
  onFrames(socket, ({ opcode, payload }) => {
    if (opcode === CLOSE) socket.end(frameOf(payload, CLOSE))
    else if (payload.toString() === 'bye')
      socket.write(frameOf(Buffer.concat([Buffer.from([0x0f, 0xa1]), Buffer.from('so long')]), CLOSE))
    else socket.write(frameOf(payload, opcode))
  })
  socket.on('end', () => socket.end())
  // The first frame comes with the answer, in one packet.
  socket.write(
    Buffer.concat([
      Buffer.from(acceptLines(String(headers['sec-websocket-key']), ['Sec-WebSocket-Protocol: chat'])),
      frameOf('welcome'),
    ]),
  )
}

const HANDSHAKE = ['Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']

/** A client that has asked to switch, with these lines beside the usual ones. */
async function handshake(path: string, lines: readonly string[] = ['Connection: Upgrade']): Promise<RawClient> {
  const client = await RawClient.connect(house().gateway.url)
  await client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${[...HANDSHAKE, ...lines].join('\r\n')}\r\n\r\n`)
  return client
}

test('S17 a WebSocket of a real client goes through: messages of every size, both ways, and the close code', async () => {
  house().origin.on('/ws/echo', echo)
  const socket = new WebSocket(`${house().gateway.url.replace('http', 'ws')}/ws/echo?a=b`, ['chat'])
  const messages: string[] = []
  socket.addEventListener('message', ({ data }) => messages.push(String(data)))
  await once(socket, 'open')
  assert.equal(socket.protocol, 'chat')
  const sizes = [0, 1, 125, 126, 65_535, 65_536, 2_000_000]
  for (const size of sizes) socket.send('é'.repeat(size))
  await eventually(() => messages.length === sizes.length + 1)
  assert.deepEqual(
    messages.map((text) => text.length),
    ['welcome'.length, ...sizes],
  )
  const closed = once(socket, 'close')
  socket.send('bye')
  const [event] = await closed
  assert.deepEqual([event.code, event.reason], [4001, 'so long'])
  const seen = house().origin.seen('/ws/echo')[0]
  assert.deepEqual(
    seen?.values('connection').map((value) => value.toLowerCase()),
    ['upgrade'],
  )
  assert.deepEqual(seen?.values('upgrade'), ['websocket'])
  assert.equal(seen?.values('sec-websocket-key').length, 1)
})

test('S17 Origin is checked: only pages that the route names, or its own, may open a WebSocket', async () => {
  const { origin } = house()
  for (const path of ['/ws', '/named', '/cors']) origin.on(path, echo)
  const app = 'Origin: https://app.example.com'
  const rows: readonly (readonly [path: string, lines: readonly string[], status: number])[] = [
    ['/ws', ['Origin: https://evil.example'], 101],
    ['/named', [], 101],
    ['/named', [app], 101],
    ['/named', ['Origin: https://b.example.org'], 101],
    ['/named', ['Origin: http://a'], 101],
    ['/named', ['Origin: https://a'], 101],
    ['/named', ['Origin: http://a:8080'], 403],
    ['/named', ['Origin: http://a.evil.example'], 403],
    ['/named', ['Origin: https://app.example.com.evil.example'], 403],
    ['/named', ['Origin: http://app.example.com'], 403],
    ['/named', ['Origin: null'], 403],
    ['/named', ['Origin: '], 403],
    ['/named', [app, 'Origin: https://evil.example'], 403],
    ['/cors', [app], 101],
    ['/cors', ['Origin: http://a'], 101],
    ['/cors', ['Origin: https://evil.example'], 403],
  ]
  for (const [path, lines, status] of rows) {
    const before = origin.seen(path).length
    const client = await handshake(path, ['Connection: Upgrade', ...lines])
    await eventually(() => client.received.includes('\r\n\r\n'))
    assert.match(client.received.toString('latin1'), new RegExp(`^HTTP/1.1 ${status} `), `${path} ${lines.join()}`)
    assert.equal(origin.seen(path).length - before, status === 101 ? 1 : 0)
    client.abort()
  }
})

test('S17 a frame that says it has 1 GiB is passed on as it comes, and held back when nobody takes it', async (t) => {
  const { origin, gateway } = house()
  const sides: Socket[] = []
  let taken = 0
  origin.on('/ws/huge', ({ socket, headers }) => {
    sides.push(socket)
    socket.write(acceptLines(String(headers['sec-websocket-key'])))
    socket.on('data', (bytes: Buffer) => (taken += bytes.length))
    socket.pause()
  })
  const client = await handshake('/ws/huge')
  await eventually(() => client.received.includes('101'))
  const before = residentBytes(gateway.pid)
  // Final, text, masked; 127: eight bytes of length follow.
  const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4])
  client.socket.write(head)
  const piece = Buffer.alloc(1_048_576, 'x')
  let sent = 0
  let stands = false
  while (sent < 256 && !stands) {
    const drained = client.socket.write(piece) || once(client.socket, 'drain').then(() => true)
    sent++
    stands = !(await Promise.race([drained, new Promise<false>((resolve) => setTimeout(resolve, 700, false))]))
  }
  const grown = residentBytes(gateway.pid) - before
  t.diagnostic(`the client stood at ${sent} MiB of 1,024; memory grew by ${grown} bytes`)
  assert.ok(stands, 'a client whose server does not read is held back')
  assert.ok(grown < 32 * 1_048_576, `memory grew by ${grown} bytes`)
  sides[0]?.resume()
  await eventually(() => taken === head.length + sent * piece.length, { deadlineMs: 20_000, what: 'every byte of it' })
  client.abort()
})

test('headers of the handshake go through even when the client names them in Connection', async () => {
  house().origin.on('/ws/named', echo)
  const client = await handshake('/ws/named', [
    'Connection: keep-alive, Upgrade',
    'Connection: sec-websocket-key, X-Gone',
    'X-Gone: 1',
  ])
  await eventually(() => client.received.includes('welcome'))
  assert.match(
    client.received.toString('latin1'),
    /^HTTP\/1.1 101 [\s\S]*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i,
  )
  const seen = house().origin.seen('/ws/named')[0]
  assert.deepEqual([seen?.values('sec-websocket-key').length, seen?.values('x-gone').length], [1, 0])
  client.abort()
})

test('an upgrade that the route does not allow, or the client did not ask for rightly, is an ordinary request', async () => {
  for (const [path, lines] of [
    ['/plain', ['Connection: Upgrade']],
    ['/ws/not-named', []],
    ['/ws/length', ['Connection: Upgrade', 'Transfer-Encoding: chunked']],
  ] as const) {
    const client = await handshake(path, lines)
    if (path === '/ws/length') await client.send('0\r\n\r\n')
    const [response] = await client.waitForResponses()
    assert.equal(response?.status, 200, path)
    assert.deepEqual(house().origin.seen(path)[0]?.values('upgrade'), [], path)
    client.close()
  }
  house().origin.on(
    '/ws/refused',
    ({ socket }) => void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno'),
  )
  const client = await handshake('/ws/refused')
  const [response] = await client.waitForResponses()
  assert.deepEqual([response?.status, response?.body.toString()], [403, 'no'])
  client.close()
})

test('the end of one side is the end of the other, whichever and however', async () => {
  const { origin, gateway } = house()
  const servers: Socket[] = []
  origin.on('/ws/end', (request) => {
    servers.push(request.socket)
    echo(request)
  })
  const before = openDescriptors(gateway.pid)
  for (const who of ['client', 'server'] as const) {
    for (const kind of ['fin', 'rst'] as const) {
      const client = await handshake('/ws/end')
      await eventually(() => client.received.includes('welcome'))
      const server = servers.at(-1)
      assert.ok(server)
      if (who === 'client') {
        const closed = once(server, 'close')
        if (kind === 'rst') client.abort()
        else client.finish()
        await within(closed, 2_000, `the end of the server after ${kind}`)
      } else {
        if (kind === 'rst') server.resetAndDestroy()
        else server.end()
        await client.waitForClose(2_000)
      }
      client.close()
    }
  }
  await eventually(() => openDescriptors(gateway.pid) <= before + 4, { what: 'the sockets to be given back' })
})

test('a side that does not read holds the other back', { timeout: 60_000 }, async (t) => {
  const { origin, gateway } = house()
  const piece = Buffer.alloc(65_536, 'x')
  let written = 0
  origin.on('/ws/flood', ({ socket, headers }) => {
    socket.write(acceptLines(String(headers['sec-websocket-key'])))
    const more = () => {
      do written += piece.length
      while (!socket.destroyed && written < 512 * 1_048_576 && socket.write(piece))
    }
    socket.on('drain', more)
    more()
  })
  const before = residentBytes(gateway.pid)
  const client = await handshake('/ws/flood')
  await eventually(() => client.receivedBytes > 1_000)
  client.setReading('paused')
  let last = -1
  const standsStill = () => {
    const before = last
    last = written
    return last === before
  }
  await eventually(standsStill, { everyMs: 300, deadlineMs: 20_000 })
  const stoodAt = written
  t.diagnostic(`the server stood at ${stoodAt} bytes, memory grew by ${residentBytes(gateway.pid) - before}`)
  assert.ok(stoodAt < 32 * 1_048_576)
  client.setReading('flowing')
  await eventually(() => client.receivedBytes > stoodAt + 10_000_000, { deadlineMs: 20_000, what: 'the flow to go on' })
  client.abort()
})

test('silence of both sides ends it after the idle time; bytes of either keep it', async () => {
  const { origin } = house()
  origin.on('/idle/ws', ({ socket, headers }) => {
    socket.write(acceptLines(String(headers['sec-websocket-key'])))
    const timer = setInterval(() => socket.write(frameOf('.')), IDLE_MS / 4)
    socket.on('close', () => clearInterval(timer))
    setTimeout(() => clearInterval(timer), IDLE_MS * 2.5)
  })
  const client = await handshake('/idle/ws')
  await eventually(() => client.received.includes('101'))
  const began = performance.now()
  await client.waitForClose(6_000)
  const tookMs = performance.now() - began
  assert.ok(tookMs >= IDLE_MS * 3 && tookMs <= IDLE_MS * 3.5 + 1_000, `ended after ${tookMs} ms`)
  client.close()
})

test('hundreds of upgrades leave nothing behind', { timeout: 60_000 }, async () => {
  const { origin, gateway } = house()
  origin.on('/ws/churn', echo)
  const before = openDescriptors(gateway.pid)
  let left = scaled(300)
  const loop = async () => {
    while (left-- > 0) {
      const client = await handshake('/ws/churn')
      if (left % 3 > 0) await eventually(() => client.received.includes('welcome'), { everyMs: 1 })
      client.abort()
    }
  }
  await Promise.all(Array.from({ length: 10 }, loop))
  await eventually(() => openDescriptors(gateway.pid) <= before + 12, {
    deadlineMs: 30_000,
    what: 'the sockets to be given back',
  })
})
