import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from './eventually.ts'
import { FaultProxy } from './fault-proxy.ts'
import { RawClient } from './raw-client.ts'

interface Rig {
  readonly proxy: FaultProxy
  readonly client: RawClient
  /** What the server behind the proxy received and how its side ended. */
  readonly server: { received: string; ended: boolean; error: string | undefined; socket: Socket | null }
}

/** An echo server behind a proxy, and one client that is through to it. */
async function rig(t: TestContext): Promise<Rig> {
  const seen: Rig['server'] = { received: '', ended: false, error: undefined, socket: null }
  const server = createServer({ noDelay: true }, (socket) => {
    seen.socket = socket
    socket.on('data', (chunk: Buffer) => {
      seen.received += chunk.toString('latin1')
      socket.write(chunk)
    })
    socket.on('end', () => {
      seen.ended = true
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      seen.error = error.code
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  // A TCP server that listens has an AddressInfo; the type also covers pipes.
  const proxy = await FaultProxy.start((server.address() as AddressInfo).port)
  const client = await RawClient.connect(`http://127.0.0.1:${proxy.port}`)
  t.after(async () => {
    client.close()
    await proxy.close()
    seen.socket?.destroy()
    server.close()
  })
  await client.send('hi')
  await eventually(() => client.received.toString() === 'hi')
  return { proxy, client, server: seen }
}

test('passes bytes and FIN through, and counts', async (t) => {
  const { proxy, client, server } = await rig(t)
  client.finish()
  assert.equal(await client.waitForClose(), 'fin')
  assert.equal(server.ended, true)
  assert.deepEqual(proxy.passed, { 'to-server': 2, 'to-client': 2 })
})

test('delays each packet in order', async (t) => {
  const { proxy, client } = await rig(t)
  proxy.delay(60)
  const started = performance.now()
  await client.send('a')
  await client.send('b')
  await eventually(() => client.received.toString() === 'hiab')
  assert.ok(performance.now() - started >= 110, 'two passages of 60 ms')
})

test('freezes until thawed', async (t) => {
  const { proxy, client, server } = await rig(t)
  proxy.freeze()
  await client.send('late')
  await assert.rejects(eventually(() => server.received.includes('late'), { deadlineMs: 100 }))
  proxy.thaw()
  await eventually(() => client.received.toString() === 'hilate')
})

test('drops one direction and lets the other pass', async (t) => {
  const { proxy, client, server } = await rig(t)
  proxy.drop('to-client')
  await client.send('there')
  await eventually(() => server.received === 'hithere')
  await assert.rejects(eventually(() => client.receivedBytes > 2, { deadlineMs: 100 }))
  proxy.undrop()
  await client.send('!')
  await eventually(() => client.received.toString() === 'hi!')
})

for (const kind of ['fin', 'rst'] as const) {
  test(`cuts after so many bytes with ${kind}`, async (t) => {
    const { proxy, client } = await rig(t)
    proxy.cutAfter(3, 'to-client', kind)
    await client.send('abcdef')
    assert.equal(await client.waitForClose(), kind)
    assert.equal(client.received.toString(), 'hiabc')
  })
}

test('resets both sides, and new connections while it refuses', async (t) => {
  const { proxy, client, server } = await rig(t)
  proxy.setListening('refuse')
  proxy.resetAll()
  assert.equal(await client.waitForClose(), 'rst')
  await eventually(() => server.error === 'ECONNRESET')
  // The reset may come before or after our connect is reported.
  const refused = RawClient.connect(`http://127.0.0.1:${proxy.port}`).then(
    (socket) => socket.waitForClose(),
    () => 'rst',
  )
  assert.equal(await refused, 'rst')
  proxy.setListening('accept')
  const served = await RawClient.connect(`http://127.0.0.1:${proxy.port}`)
  await served.send('x')
  await eventually(() => served.receivedBytes === 1)
  served.close()
})
