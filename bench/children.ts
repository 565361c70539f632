import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** A program the benchmark started. */
export type Child = {
  readonly processId: number
  /** Set once the program has ended. */
  readonly ended: () => string | null
  /** The last lines it wrote to its output. */
  readonly lastOutput: () => string
  /** Asks it to stop, insists after ten seconds, resolves when it is gone. */
  readonly stop: () => Promise<void>
}

const running = new Set<ChildProcess>()

/** Starts a program with its output in `logPath`; `environment` is added to that of this process. */
export const startChild = (
  words: readonly string[],
  logPath: string,
  options: { readonly folder?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Child => {
  const log = openSync(logPath, 'a')
  const child = spawn(words[0]!, words.slice(1), {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...options.environment },
    ...(options.folder === undefined ? {} : { cwd: options.folder }),
  })
  closeSync(log)
  running.add(child)
  let ended: string | null = null
  const exit = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ended = error.message
      running.delete(child)
      resolve()
    })
    child.once('exit', (code, signal) => {
      ended = signal === null ? `exit code ${code}` : `signal ${signal}`
      running.delete(child)
      resolve()
    })
  })
  return {
    processId: child.pid ?? 0,
    ended: () => ended,
    lastOutput: () => readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-15).join('\n'),
    stop: async () => {
      if (ended !== null) return
      child.kill('SIGTERM')
      const insist = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await exit
      clearTimeout(insist)
    },
  }
}

/** Kills whatever is still running; for the way out after a fault or an interrupt. */
export const killChildren = (): void => {
  for (const child of running) child.kill('SIGKILL')
}

/** Polls until `probe` gives a value; throws with the program's last words when it ends or the deadline passes. */
export const waitFor = async <Value>(
  what: string,
  child: Child,
  probe: () => Promise<Value | null> | Value | null,
  deadlineMs = 30_000,
): Promise<Value> => {
  const start = performance.now()
  for (;;) {
    const value = await probe()
    if (value !== null) return value
    const ended = child.ended()
    if (ended !== null) throw new Error(`${what} ended (${ended}) before it was ready:\n${child.lastOutput()}`)
    if (performance.now() - start > deadlineMs) {
      throw new Error(`${what} was not ready within ${deadlineMs} ms:\n${child.lastOutput()}`)
    }
    await delay(20)
  }
}

/** Resolves to true when something accepts on the loopback port, to null when not. */
export const accepts = (port: number): Promise<true | null> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(null))
  })

/** A loopback port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
