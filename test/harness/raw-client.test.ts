import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from './eventually.ts'
import { MalformedMessage } from './http-message.ts'
import { exchangeRaw, parseResponses, RawClient } from './raw-client.ts'

async function serve(t: TestContext, onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    onSocket(socket)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  // A TCP server that listens has an AddressInfo; the type also covers pipes.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('sends exactly the bytes, also when split, and FIN only when told', async (t) => {
  const received: Buffer[] = []
  let ended = false
  const url = await serve(t, (socket) => {
    socket.on('data', (chunk: Buffer) => received.push(chunk))
    socket.on('end', () => {
      ended = true
      socket.end()
    })
  })
  const client = await RawClient.connect(url)
  await client.send('a\0\xffb')
  await client.sendSplit('12345', 2, 5)
  await eventually(() => Buffer.concat(received).length === 9)
  assert.equal(Buffer.concat(received).toString('latin1'), 'a\0\xffb12345')
  assert.equal(ended, false)
  client.finish()
  assert.equal(await client.waitForClose(), 'fin')
  assert.equal(ended, true)
  client.close()
})

test('tells a FIN from an RST and an open connection', async (t) => {
  const kinds = ['fin', 'rst', 'open'] as const
  for (const kind of kinds) {
    const url = await serve(t, (socket) => {
      socket.once('data', () => {
        if (kind === 'fin') socket.end('bye')
        if (kind === 'rst') socket.resetAndDestroy()
      })
    })
    const client = await exchangeRaw(url, 'x', 200)
    assert.equal(client.closeKind, kind)
    assert.equal(client.times.closed === null, kind === 'open')
  }
})

test('an aborted connection reaches the server as a reset', async (t) => {
  let code: string | undefined
  const url = await serve(t, (socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code
    })
  })
  const client = await RawClient.connect(url)
  await client.send('x')
  client.abort()
  await eventually(() => code !== undefined)
  assert.equal(code, 'ECONNRESET')
})

test('parses pipelined responses, skips 1xx and marks one that is cut', () => {
  const first = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  const second = 'HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'
  const responses = parseResponses(Buffer.from(first + second))
  const seen = responses.map((response) => [response.status, response.body.toString(), response.complete])
  assert.deepEqual(seen, [
    [200, 'ok', true],
    [404, 'abc', false],
  ])
  assert.equal(responses[0]?.header('CONTENT-length'), '2')
  assert.throws(() => parseResponses(Buffer.from('SMTP ready\r\n\r\n')), MalformedMessage)
})

test('rejects when nobody listens, and when the awaited does not come', async (t) => {
  await assert.rejects(RawClient.connect('http://127.0.0.1:1'), { code: 'ECONNREFUSED' })
  const url = await serve(t, () => undefined)
  const client = await RawClient.connect(url)
  await assert.rejects(client.waitForResponses(1, 50), /gave up after 50 ms waiting for 1 complete response/)
  await assert.rejects(client.waitForClose(50), /the close/)
  client.close()
})
