import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

const READY_MS = 30_000
const STOP_MS = 10_000
const START_TRIES = 3

type Account = { readonly uid: number; readonly gid: number } | null

/** How to start one server in a folder and on a port of its own. */
export interface ServerPlan {
  readonly name: string
  /** Who owns the folder and runs the server; null for ourselves. */
  readonly account: Account
  readonly stopSignal: NodeJS.Signals
  /** Prepares the folder and says what to run. */
  prepare(place: {
    dir: string
    port: number
  }): { command: string; args: readonly string[] } | Promise<{ command: string; args: readonly string[] }>
}

/** A server that runs until `stop`. */
export interface RunningServer {
  readonly port: number
  /** Its temporary folder, gone after `stop`. */
  readonly dir: string
  readonly pid: number
  /** What it has printed so far. */
  output(): string
  /** Ends the server, whatever it is doing, and removes its folder; may be called twice. */
  stop(): Promise<void>
}

/** Starts a server and resolves when it accepts connections; tries another port when one was taken meanwhile. */
export async function startServer(plan: ServerPlan): Promise<RunningServer> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(plan)
    } catch (error) {
      if (tries === START_TRIES) throw error
    }
  }
}

async function startOnce(plan: ServerPlan): Promise<RunningServer> {
  const dir = makeFolder(plan)
  const removeFolder = () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  let child: ChildProcess
  let output = ''
  const port = await freePort()
  try {
    const { command, args } = await plan.prepare({ dir, port })
    child = spawn(command, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], ...plan.account })
  } catch (error) {
    removeFolder()
    throw error
  }
  const keep = (chunk: Buffer) => {
    output += chunk
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', (error) => {
      output += error.message
      resolve()
    })
  })
  const kill = () => child.kill('SIGKILL')
  // A test that dies must not leave its servers behind.
  process.once('exit', kill)

  const stop = async () => {
    if (isAlive(child)) {
      child.kill(plan.stopSignal)
      const timer = setTimeout(kill, STOP_MS)
      await ended
      clearTimeout(timer)
    }
    process.off('exit', kill)
    removeFolder()
  }

  if (!(await accepts(port, () => isAlive(child)))) {
    await stop()
    throw new Error(`${plan.name} did not accept connections on port ${port} within ${READY_MS} ms:\n${output}`)
  }
  return { port, dir, pid: child.pid ?? 0, output: () => output, stop }
}

function makeFolder({ name, account }: ServerPlan): string {
  const dir = mkdtempSync(path.join(tmpdir(), `ferro-${name}-`))
  if (account !== null) chownSync(dir, account.uid, account.gid)
  return dir
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port')
  return address.port
}

/** Connects until it works, the server is gone, or the deadline has passed. */
async function accepts(port: number, isUp: () => boolean): Promise<boolean> {
  for (const endMs = performance.now() + READY_MS; isUp() && performance.now() < endMs; ) {
    const socket = connect(port, '127.0.0.1')
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (connected) return isUp()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}
