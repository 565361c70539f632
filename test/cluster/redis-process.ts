import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../harness/eventually.ts'
import { findServer, freePort } from '../servers/servers.ts'

/** A Redis server on one port that can die and come back, without what it held. */
export class RedisProcess {
  readonly port: number
  readonly #dir = mkdtempSync(join(tmpdir(), 'ferro-redis-'))
  readonly #args: readonly string[]
  #child: ChildProcess | null = null

  private constructor(port: number, args: readonly string[]) {
    this.port = port
    this.#args = args
  }

  /** `args` may name the port as `PORT`. */
  static async start(args: readonly string[] = ['--port', 'PORT']): Promise<RedisProcess> {
    const port = await freePort()
    const redis = new RedisProcess(
      port,
      args.map((arg) => (arg === 'PORT' ? `${port}` : arg)),
    )
    await redis.restart()
    return redis
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async restart(): Promise<void> {
    const command = findServer('redis')
    if (command === null) throw new Error('there is no redis-server')
    const rest = ['--bind', '127.0.0.1', '--dir', this.#dir, '--save', '', '--appendonly', 'no']
    this.#child = spawn(command, [...this.#args, ...rest], { stdio: 'ignore' })
    await eventually(async () => await accepts(this.port), { what: 'redis to accept connections' })
  }

  /** Its sockets stay open, and nothing answers. */
  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  socket.destroy()
  return connected
}
