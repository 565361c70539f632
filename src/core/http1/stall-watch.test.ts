import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { SocketWriter } from '../connect/socket-writer.ts'
import { StallWatch } from './stall-watch.ts'

async function pair(t: TestContext): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const theirs = connect(address.port, '127.0.0.1')
  const ours = await accepted
  t.after(() => {
    ours.destroy()
    theirs.destroy()
    server.close()
  })
  theirs.pause()
  return { ours, theirs }
}

const PATIENCE = 60_000
const LONG = PATIENCE + 1

test('a connection with nothing to send never stalls', async (t) => {
  const { ours } = await pair(t)
  const watch = new StallWatch(ours, new SocketWriter(ours), 0)
  for (const now of [1, LONG, 2 * LONG, 3 * LONG]) assert.equal(watch.isStalled(now, PATIENCE), false)
})

test('the time begins with the first look at what waits, not with the start of the process', async (t) => {
  const { ours } = await pair(t)
  const watch = new StallWatch(ours, new SocketWriter(ours), 10 * LONG)
  ours.write(Buffer.alloc(64 * 1024 * 1024))
  assert.equal(watch.isStalled(10 * LONG + 1_000, PATIENCE), false)
})

test('a client that takes nothing stalls when the time is up', async (t) => {
  const { ours } = await pair(t)
  const watch = new StallWatch(ours, new SocketWriter(ours), 0)
  ours.write(Buffer.alloc(64 * 1024 * 1024))
  const written = () => watch.isStalled(0, PATIENCE)
  await eventually(() => written() === false)
  assert.equal(watch.isStalled(PATIENCE, PATIENCE), false)
  assert.equal(watch.isStalled(LONG + 1, PATIENCE), true)
})

test('a client that takes a large piece little by little does not stall', async (t) => {
  const { ours, theirs } = await pair(t)
  const watch = new StallWatch(ours, new SocketWriter(ours), 0)
  ours.write(Buffer.alloc(64 * 1024 * 1024))
  let taken = 0
  theirs.on('data', (bytes: Buffer) => {
    taken += bytes.length
    theirs.pause()
  })
  assert.equal(watch.isStalled(0, PATIENCE), false)
  for (let look = 1; look <= 5; look++) {
    const goal = taken + 8 * 1024 * 1024
    await eventually(
      () => {
        theirs.resume()
        return taken >= goal
      },
      { everyMs: 1, deadlineMs: 20_000 },
    )
    assert.ok(ours.writableLength > 0, 'it is still one write under way')
    assert.equal(watch.isStalled(look * LONG, PATIENCE), false)
  }
})
