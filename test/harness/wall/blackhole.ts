import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** A port where connections hang: the backlog is full and nobody accepts. */
export interface Blackhole {
  readonly port: number
  /** Base URL for a provider. */
  readonly url: string
  close(): Promise<void>
}

// The thread that listens blocks for good, so its event loop never accepts: a server in our own thread always would.
const LISTENER = `
  const { createServer } = require('node:net')
  const { parentPort } = require('node:worker_threads')
  const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
  })`

/** Opens a blackhole: every connect to it stays in SYN-SENT until it is closed. */
export async function blackhole(): Promise<Blackhole> {
  const worker = new Worker(LISTENER, { eval: true })
  // A test that forgets to close it must still come to its end.
  worker.unref()
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  const fillers: Socket[] = []
  // Linux takes backlog + 1 connections; fill until one is left waiting.
  while (await connects(port, fillers)) if (fillers.length > 16) throw new Error('the backlog does not fill up')
  return {
    port,
    url: `http://127.0.0.1:${port}/v1`,
    close: async () => {
      for (const filler of fillers) filler.destroy()
      await worker.terminate()
    },
  }
}

function connects(port: number, fillers: Socket[]): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  fillers.push(socket)
  socket.on('error', () => {
    // What does not connect is what we are after.
  })
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve(false)
    }, 300)
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
