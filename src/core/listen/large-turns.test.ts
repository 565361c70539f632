import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { inLargeTurn } from './large-turns.ts'

test('large bodies are looked at one in a turn, in their order, and others come between', async (t) => {
  const server = createServer((socket) => void socket.on('data', (bytes) => socket.write(bytes)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const socket = connect(address.port, '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  const order: string[] = []
  socket.on('data', () => order.push('other'))
  const done = Promise.withResolvers<void>()
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    inLargeTurn(() => {
      order.push(name)
      const end = performance.now() + 20
      while (performance.now() < end) Math.sqrt(end)
      if (name === 'c') inLargeTurn(done.resolve)
    })
  }
  socket.write('x')
  await done.promise
  assert.equal(order.filter((each) => each !== 'other').join(''), 'abcdef')
  assert.ok(order.includes('other') && order.indexOf('other') < order.length - 1, order.join())
})
