import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { SocketWriter } from './socket-writer.ts'

/** Both ends of a connection; the other end is read only when a test does. */
async function pair(t: TestContext): Promise<{ ours: Socket; theirs: Socket; writer: SocketWriter }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const theirs = connect((server.address() as AddressInfo).port, '127.0.0.1') // it listens on TCP
  const [ours] = (await once(server, 'connection')) as [Socket] // what a server tells of a connection
  t.after(() => {
    ours.destroy()
    theirs.destroy()
    server.close()
  })
  theirs.pause()
  const writer = new SocketWriter(ours)
  // The thread learns at its first write how Node writes.
  writer.writeText('first')
  await eventually(() => theirs.readableLength === 5 || theirs.read(0) !== null)
  theirs.read()
  return { ours, theirs, writer }
}

/** Everything that comes until the end of the connection. */
async function rest(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of socket) pieces.push(piece as Buffer) // a socket without an encoding gives buffers
  return Buffer.concat(pieces)
}

const LARGE = Buffer.alloc(16 * 1024 * 1024, 'large')

test('what the kernel takes at once does not pass through the stream of the socket', async (t) => {
  const { ours, theirs, writer } = await pair(t)
  ours.write = () => assert.fail('this Node is not written to directly: see docs/decisions/0006')
  assert.equal(writer.writeText('caf\u00e9 '), true)
  assert.equal(writer.writeBytes(Buffer.from('bytes ')), true)
  assert.equal(writer.writeAll(['a', Buffer.from('b'), 'c']), true)
  assert.equal(writer.unsentBytes, 0)
  ours.end()
  assert.equal((await rest(theirs)).toString('latin1'), 'caf\u00e9 bytes abc')
})

test('what the kernel does not take waits in the order of the calls, and the socket drains', async (t) => {
  const { ours, theirs, writer } = await pair(t)
  assert.equal(writer.writeBytes(LARGE), false)
  assert.equal(writer.unsentBytes, LARGE.length)
  assert.equal(writer.writeText('-text-'), false)
  assert.equal(writer.writeAll(['head', LARGE]), false)
  let drains = 0
  ours.on('drain', () => {
    drains++
    ours.end()
  })
  const all = await rest(theirs)
  const expected = Buffer.concat([LARGE, Buffer.from('-text-head'), LARGE])
  assert.equal(all.equals(expected), true)
  assert.equal(drains, 1)
  assert.equal(writer.unsentBytes, 0)
})

test('writes of the stream and direct ones keep their order', async (t) => {
  const { ours, theirs, writer } = await pair(t)
  writer.writeBytes(LARGE)
  ours.write('stream')
  writer.writeText('direct')
  assert.equal(writer.unsentBytes, LARGE.length + 12)
  const drained = once(ours, 'drain')
  const read = rest(theirs)
  await drained
  ours.end('end')
  const all = await read
  assert.equal(all.subarray(LARGE.length).toString(), 'streamdirectend')
})

test('tells when all of a write has left, however it goes', async (t) => {
  for (const way of ['at once', 'later', 'through the stream'] as const) {
    const { ours, theirs, writer } = await pair(t)
    if (way === 'through the stream') ours.write(LARGE)
    let isSent = false
    writer.writeAll(['a', way === 'later' ? LARGE : Buffer.from('b')], () => (isSent = true))
    assert.equal(isSent, way === 'at once', way)
    const read = rest(theirs)
    await eventually(() => isSent)
    ours.end()
    assert.ok((await read).length >= 2)
  }
})

test('an end waits for what was written before it', async (t) => {
  const { ours, theirs, writer } = await pair(t)
  writer.writeBytes(LARGE)
  ours.end()
  assert.equal((await rest(theirs)).length, LARGE.length)
})

test('a write to a client that is gone ends the socket with the error of the system', async (t) => {
  const { ours, theirs, writer } = await pair(t)
  let error: NodeJS.ErrnoException | null = null
  ours.on('error', (thrown) => (error = thrown))
  theirs.resetAndDestroy()
  // The kernel hears of the reset on its own time.
  await eventually(() => {
    writer.writeText('x')
    return ours.destroyed
  })
  await eventually(() => error !== null)
  assert.match(String((error as NodeJS.ErrnoException | null)?.code), /EPIPE|ECONNRESET/)
})

test('a socket that is destroyed forgets what waits', async (t) => {
  const { ours, writer } = await pair(t)
  writer.writeBytes(LARGE)
  ours.destroy()
  await eventually(() => writer.unsentBytes === 0)
  assert.equal(writer.writeText('more'), false)
})

test('what waits for the end of the turn leaves with it, in one write, and before whatever is written sooner', async (t) => {
  const { ours, theirs, writer } = await pair(t)
  writer.writeLater('one ')
  writer.writeLater('two ')
  writer.writeText('three ')
  writer.writeLater('four ')
  writer.writeBytes(Buffer.from('five '))
  writer.writeLater('six ')
  writer.writeAll(['seven ', Buffer.from('eight ')])
  writer.writeLater('nine')
  const sent = () => ours.bytesWritten - 'first'.length
  assert.equal(sent(), 'one two three four five six seven eight '.length)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(sent(), 'one two three four five six seven eight nine'.length)
  ours.end()
  assert.equal((await rest(theirs)).toString('latin1'), 'one two three four five six seven eight nine')
})

test('what is too long for the end of the turn does not wait, nor does what comes behind a write under way', async (t) => {
  const { ours, theirs, writer } = await pair(t)
  const long = 'x'.repeat(20_000)
  writer.writeLater('short ')
  writer.writeLater(long)
  assert.equal(ours.bytesWritten, 'firstshort '.length + long.length)
  writer.writeBytes(LARGE)
  writer.writeLater('last')
  assert.equal(writer.unsentBytes, LARGE.length + 'last'.length)
  ours.on('drain', () => ours.end())
  const all = await rest(theirs)
  assert.equal(all.length, 'short '.length + long.length + LARGE.length + 'last'.length)
  assert.equal(all.subarray(-4).toString('latin1'), 'last')
})

test('what waits for the end of the turn is forgotten when the socket is destroyed before', async (t) => {
  const { ours, writer } = await pair(t)
  ours.on('error', () => assert.fail('a write was tried'))
  writer.writeLater('never')
  ours.destroy()
  await once(ours, 'close')
  assert.equal(ours.bytesWritten, 'first'.length)
})
