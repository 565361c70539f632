/** A thread with a way to a server that breaks off after so many pieces of answers: `left` in its data, negative for never. */
import { connect, createServer, type Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

const { port, left } = workerData as { port: number; left: Int32Array } // written by the test
const server = createServer((client) => {
  const upstream = connect(port, '127.0.0.1')
  const end = (): void => {
    client.destroy()
    upstream.destroy()
  }
  const watch = (socket: Socket) => socket.on('error', end).on('close', end)
  watch(client)
  watch(upstream)
  client.pipe(upstream)
  upstream.on('data', (chunk) => {
    const cell = Atomics.load(left, 0)
    if (cell === 0) end()
    else {
      if (cell > 0) Atomics.sub(left, 0, 1)
      client.write(chunk)
    }
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') parentPort?.postMessage(address?.port)
})
