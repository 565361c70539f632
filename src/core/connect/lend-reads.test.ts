import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { lendReads, ownBytes } from './lend-reads.ts'

const nothing = () => undefined

/** Both ends of a connection: what a server accepted, and the client. */
async function pair(t: TestContext): Promise<{ accepted: Socket; client: Socket; connections: () => Promise<number> }> {
  const server = createServer({ allowHalfOpen: true, highWaterMark: 65_536 }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1') // it listens on TCP
  const accepting = new Promise<Socket>((resolve) => server.once('connection', resolve))
  t.after(() => {
    client.destroy()
    server.close()
  })
  const connections = () =>
    new Promise<number>((resolve, reject) =>
      server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    )
  return { accepted: await accepting, client, connections }
}

/** Lends the reads of a socket; fails where this Node has no such way. */
function lend(t: TestContext, accepted: Socket, onBytes: (bytes: Buffer) => void): Socket {
  const socket = lendReads(accepted, onBytes)
  assert.ok(socket !== null, 'this Node lends no reads: requests cost a tenth more, see docs/decisions/0007')
  t.after(() => socket.destroy())
  return socket
}

test('connections of a thread read into the same memory, one read after the other', async (t) => {
  const seen: Buffer[] = []
  const texts: string[] = []
  const take = (bytes: Buffer) => {
    seen.push(bytes)
    texts.push(bytes.toString('latin1'))
  }
  for (const text of ['first', 'other']) {
    const { accepted, client } = await pair(t)
    lend(t, accepted, take)
    client.write(text)
    await eventually(() => texts.includes(text))
  }
  assert.deepEqual(texts, ['first', 'other'])
  assert.equal(seen[0]?.buffer, seen[1]?.buffer)
  assert.equal(seen[0]?.toString('latin1'), 'other', 'what was lent is written over')
})

test('bytes of one’s own stay as they are', async (t) => {
  let kept: Buffer | null = null
  let last = ''
  const { accepted, client } = await pair(t)
  lend(t, accepted, (bytes) => {
    kept ??= ownBytes(bytes, 1, 4)
    last = bytes.toString('latin1')
  })
  client.write('abcde')
  await eventually(() => last === 'abcde')
  client.write('vwxyz')
  await eventually(() => last === 'vwxyz')
  assert.equal(String(kept), 'bcd')
})

test('bytes that were not lent are not copied', () => {
  const bytes = Buffer.from('whole')
  assert.equal(ownBytes(bytes, 0), bytes)
  assert.equal(ownBytes(bytes, 1).buffer, bytes.buffer)
  assert.equal(ownBytes(bytes, 1, 3).toString(), 'ho')
})

test('a paused socket is not read until it is resumed', async (t) => {
  let read = 0
  const { accepted, client } = await pair(t)
  const socket = lend(t, accepted, (bytes) => {
    read += bytes.length
    socket.pause()
  })
  client.write(Buffer.alloc(300_000))
  await eventually(() => read > 0)
  const before = read
  assert.ok(before <= 65_536)
  // Turns of the loop in which the kernel has more to give.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(read, before)
  while (read < 300_000) {
    const here = read
    socket.resume()
    await eventually(() => read > here)
  }
  assert.equal(read, 300_000)
})

test('tells the end of the other side, and answers after it', async (t) => {
  const { accepted, client } = await pair(t)
  const socket = lend(t, accepted, nothing)
  const answer: Buffer[] = []
  client.on('data', (bytes: Buffer) => answer.push(bytes))
  socket.on('end', () => socket.end('late'))
  client.end('last words')
  await once(client, 'close')
  assert.equal(Buffer.concat(answer).toString(), 'late')
})

test('a connection counts with its server until it is closed', async (t) => {
  const { accepted, client, connections } = await pair(t)
  const socket = lend(t, accepted, nothing)
  assert.equal(await connections(), 1)
  assert.equal(socket.remoteAddress, '127.0.0.1')
  socket.on('end', () => socket.destroy())
  client.destroy()
  await once(socket, 'close')
  await eventually(async () => (await connections()) === 0)
})

test('leaves a socket alone that somebody has read from, or that Node keeps in another way', async (t) => {
  const { accepted } = await pair(t)
  accepted.unshift(Buffer.from('given back'))
  assert.equal(lendReads(accepted, nothing), null)
  accepted.read()
  accepted.on('data', nothing)
  assert.equal(lendReads(accepted, nothing), null)
  const other = await pair(t)
  const inner = other.accepted as unknown as { _handle: object | null } // what lendReads looks at, in this Node
  const handle = inner._handle
  inner._handle = {}
  const lent = lendReads(other.accepted, nothing)
  inner._handle = handle
  assert.equal(lent, null)
  assert.equal(other.accepted.destroyed, false)
})
