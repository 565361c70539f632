/*
 * Preloaded (`--import`) into every thread of a gateway under test: listens on a socket of its own and fails as it is
 * told (see `Order` in threads.ts), so that the product needs no doors for tests. It does nothing in a process without
 * FERRO_TEST_FAULTS.
 */
import fs from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { isMainThread, threadId, type Worker, workerData } from 'node:worker_threads'

const directory = process.env.FERRO_TEST_FAULTS
const workers = new Map<number, Worker>()

/** The journal's own form of the call: standard streams and other files are written in other ways. */
type JournalWrite = (file: number, bytes: Uint8Array, offset: number, length: number, position: number) => number

const ORDERS: Readonly<Record<string, (...words: readonly string[]) => void>> = {
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
    for (;;) kept.push(new Array(1_000_000).fill(kept))
  },
  stall: (ms) => {
    const end = performance.now() + Number(ms)
    while (performance.now() < end) Math.sqrt(end)
  },
  terminate: (id) => {
    void workers.get(Number(id))?.terminate()
  },
  write: (moment = '', death = '') => {
    const original = fs.writeSync as JournalWrite // one of its overloads, the only one that is called with an offset
    const deadly: JournalWrite = (file, bytes, offset, length, position) => {
      if (moment === 'half') original(file, bytes, offset, Math.floor(length / 2), position)
      if (moment === 'after') original(file, bytes, offset, length, position)
      if (death === 'kill') process.kill(process.pid, 'SIGKILL')
      process.exit(1)
    }
    fs.writeSync = deadly as typeof fs.writeSync // until the thread is gone nothing else is to be written
  },
}

if (directory !== undefined) {
  if (isMainThread) {
    process.on('worker', (worker) => {
      workers.set(worker.threadId, worker)
      worker.once('exit', () => workers.delete(worker.threadId))
    })
  }
  const role = isMainThread ? 'main' : String(workerData?.role)
  const server = createServer((socket) => {
    socket.unref()
    socket.on('error', () => {
      // Whoever gave the order may be gone.
    })
    socket.on('data', (order) => {
      const [name = '', ...words] = order.toString().trim().split(' ')
      // The answer leaves before the thread may be unable to send it.
      socket.end('obeyed\n')
      ORDERS[name]?.(...words)
    })
  })
  server.unref()
  server.listen(join(directory, `${role}-${process.pid}-${threadId}`))
}
