/*
 * Preloaded (`--import`) into every thread of a gateway under test: listens on a socket of its own and fails as it is
 * told, so that the product needs no doors for tests. An order is one word, some with a number: `throw`, `reject`,
 * `exit`, `oom`, `stall 2000`. It does nothing in a process without FERRO_TEST_FAULTS.
 */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { isMainThread, threadId, workerData } from 'node:worker_threads'

const directory = process.env.FERRO_TEST_FAULTS

const ORDERS: Readonly<Record<string, (argument: number) => void>> = {
  throw: () => {
    setImmediate(() => {
      throw new Error('ordered to throw')
    })
  },
  reject: () => {
    void Promise.reject(new Error('ordered to reject'))
  },
  exit: () => {
    process.exit(1)
  },
  oom: () => {
    const kept: unknown[] = []
    for (;;) kept.push(Array.from({ length: 10_000 }, (_unused, index) => ({ index })))
  },
  stall: (ms) => {
    const end = performance.now() + ms
    while (performance.now() < end) Math.sqrt(end)
  },
}

if (directory !== undefined) {
  const role = isMainThread ? 'main' : String(workerData?.role)
  const server = createServer((socket) => {
    socket.unref()
    socket.on('error', () => {
      // Whoever gave the order may be gone.
    })
    socket.on('data', (order) => {
      const [name = '', argument = '0'] = order.toString().trim().split(' ')
      // The answer leaves before the thread may be unable to send it.
      socket.end('obeyed\n', () => {
        setImmediate(() => ORDERS[name]?.(Number(argument)))
      })
    })
  })
  server.unref()
  server.listen(join(directory, `${role}-${process.pid}-${threadId}`))
}
