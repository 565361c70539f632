import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { RawClient } from '../../../test/harness/raw-client.ts'
import { planOf, type RouteParts, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { candidateOf } from '../../../test/request-path/upstream.ts'
import type { Exchange } from '../exchange.ts'
import { answer } from '../respond/answer.ts'

// What a connection keeps of a read must be its own: the next read, of any connection, goes to the same memory.

/** A gateway whose requests wait, and a client that makes it read something else over what it has read. */
async function start(t: TestContext, parts: RouteParts = {}) {
  const waiting: Exchange[] = []
  const transport = { dispatch: () => true, close: () => Promise.resolve() }
  const route = routeOf({
    inspect: (x) => {
      waiting.push(x)
      x.candidates = [candidateOf({ transport })]
      return null
    },
    ...parts,
  })
  const edge = await startEdge(t, { plan: planOf({ '/': { GET: route, POST: route } }) })
  const connect = async () => {
    const client = await RawClient.connect(edge.url)
    t.after(() => client.close())
    return client
  }
  const next = async () => {
    await eventually(() => waiting.length > 0, { what: 'a request' })
    return waiting.shift() as Exchange // there is one: awaited above
  }
  const overwrite = async () => {
    const other = await connect()
    await other.send('#'.repeat(60_000))
    await other.waitForClose()
  }
  return { client: await connect(), next, overwrite }
}

test('a request that came with the one before it is served as it came', async (t) => {
  const { client, next, overwrite } = await start(t)
  await client.send('GET /?first HTTP/1.1\r\nHost: a\r\n\r\nGET /?second HTTP/1.1\r\nHost: a\r\n\r\n')
  const first = await next()
  await overwrite()
  answer(first, 200, 'text/plain', first.query)
  const second = await next()
  answer(second, 200, 'text/plain', second.query)
  const responses = await client.waitForResponses(2)
  assert.deepEqual(
    responses.map(({ body }) => body.toString()),
    ['first', 'second'],
  )
})

test('the beginning of a head is kept until the rest of it comes', async (t) => {
  const { client, next, overwrite } = await start(t)
  await client.send('GET /?in-two-')
  await overwrite()
  await client.send('pieces HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal((await next()).query, 'in-two-pieces')
})

for (const [framing, field, wire] of [
  ['of a known length', 'Content-Length: 10', 'abcdefghij'],
  ['in chunks', 'Transfer-Encoding: chunked', 'a\r\nabcdefghij\r\n0\r\n\r\n'],
] as const) {
  test(`pieces of a body ${framing} that wait stay as they came`, async (t) => {
    const { client, next, overwrite } = await start(t, { bodyLimit: -1 })
    await client.send(`POST / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`)
    const x = await next()
    const kept: Buffer[] = []
    let ended = false
    x.client.readBody({
      onBody: (bytes) => {
        kept.push(bytes)
        x.client.pauseBody()
      },
      onBodyEnd: () => {
        ended = true
      },
    })
    const half = wire.indexOf('e')
    await client.send(wire.slice(0, half))
    await eventually(() => kept.length === 1)
    // While the body is held back, what follows stays in the kernel, or in bytes of the connection's own.
    await client.send(wire.slice(half))
    await overwrite()
    x.client.resumeBody()
    await eventually(() => kept.length === 2)
    await overwrite()
    x.client.resumeBody()
    await eventually(() => ended)
    assert.equal(Buffer.concat(kept).toString(), 'abcdefghij')
    answer(x, 200, 'text/plain', 'done')
    await client.waitForResponses()
  })
}

test('what a client says in the next protocol, before and after the switch, stays as it came', async (t) => {
  const { client, next, overwrite } = await start(t)
  await client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nearly;')
  const x = await next()
  await overwrite()
  const tunnel = x.client.upgrade(['upgrade', 'x'])
  assert.ok(tunnel !== null)
  await client.send('before it is joined;')
  await overwrite()
  const said: Buffer[] = []
  tunnel.join({
    onBytes: (bytes) => said.push(bytes),
    onEnd: () => undefined,
    onDrain: () => undefined,
    onClose: () => undefined,
  })
  const length = () => said.reduce((sum, each) => sum + each.length, 0)
  await eventually(() => length() === 26)
  await client.send('after')
  await eventually(() => length() === 31)
  await overwrite()
  assert.equal(Buffer.concat(said).toString(), 'early;before it is joined;after')
  tunnel.destroy()
})
