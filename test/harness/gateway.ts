import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { COMPILE_CACHE } from './compile-cache.ts'
import { eventually, within } from './eventually.ts'
import { isObject, type JsonObject, parseJson } from './json.ts'
import { type MetricSample, parseMetrics } from './metrics.ts'
import { PROGRAM } from './program.ts'
import { TextTail } from './text-tail.ts'

/** How a gateway is started for a test. */
export interface GatewayOptions {
  /** The configuration: an object (written as JSON) or the text of a YAML file. */
  readonly config: JsonObject | string
  /** Further arguments of `run`, and of node itself. */
  readonly args?: readonly string[]
  readonly nodeArgs?: readonly string[]
  /** Added to a small environment (PATH, HOME, TMPDIR, the compile cache of a test run); nothing else of ours is passed on. */
  readonly env?: Readonly<Record<string, string>>
  /** An existing directory for state; by default a fresh one, removed by {@link Gateway.close}. */
  readonly dataDir?: string
  /** Program to run; {@link PROGRAM} by default. */
  readonly entry?: string
  readonly readyDeadlineMs?: number
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface Instance {
  readonly pid: number
  readonly data: string
  readonly control: string
}

const OUTPUT_LIMIT = 8 * 1_024 * 1_024

/** A gateway process of our own, black box: its sockets, signals, files and database are all that is used. */
export class Gateway {
  readonly dataDir: string
  readonly configPath: string
  readonly stdout = new TextTail(OUTPUT_LIMIT)
  readonly stderr = new TextTail(OUTPUT_LIMIT)
  #child: ChildProcess | null = null
  #exit: Promise<Exit> | null = null
  #instance: Instance | null = null
  readonly #directory: string
  readonly #options: GatewayOptions

  private constructor(options: GatewayOptions) {
    this.#options = options
    this.#directory = mkdtempSync(join(tmpdir(), 'ferro-test-'))
    this.dataDir = options.dataDir ?? join(this.#directory, 'data')
    this.configPath = join(this.#directory, typeof options.config === 'string' ? 'ferro.yaml' : 'ferro.json')
    mkdirSync(this.dataDir, { recursive: true })
    this.writeConfig(options.config)
  }

  /** Starts a gateway and resolves when it is ready; on failure its output is in the error. */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options)
    try {
      await gateway.restart()
    } catch (error) {
      await gateway.close()
      throw error
    }
    return gateway
  }

  /** Starts the process without waiting for it; see {@link waitReady} and {@link exited}. */
  static launch(options: GatewayOptions): Gateway {
    const gateway = new Gateway(options)
    gateway.#spawn()
    return gateway
  }

  /** Starts the process (again) on the same configuration and data, and resolves when it is ready. */
  async restart(): Promise<void> {
    this.#spawn()
    await this.waitReady()
  }

  #spawn(): void {
    const { args = [], nodeArgs = [], env = {}, entry = PROGRAM } = this.#options
    this.#instance = null
    const command = [...nodeArgs, entry, 'run', '--config', this.configPath, '--data-dir', this.dataDir, ...args]
    const { PATH = '', HOME = '', TMPDIR = tmpdir() } = process.env
    const child = spawn(process.execPath, command, {
      cwd: this.#directory,
      env: { PATH, HOME, TMPDIR, ...COMPILE_CACHE, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.on('data', (chunk: Buffer) => {
      this.stdout.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      this.stderr.push(chunk)
    })
    this.#child = child
    this.#exit = new Promise((resolveExit) => {
      // `close` and not `exit`: the output is complete then.
      child.once('close', (code, signal) => {
        resolveExit({ code, signal })
      })
    })
  }

  /** Resolves when the process has said where it listens and answers `/readyz` with 200. */
  async waitReady(): Promise<void> {
    const deadlineMs = this.#options.readyDeadlineMs ?? Number(process.env.FERRO_TEST_READY_MS ?? 60_000)
    let ended: Exit | null = null
    void this.#exit?.then((exit) => {
      ended = exit
    })
    const probe = async () => {
      if (ended) throw new Error(`the gateway ended before it was ready: ${JSON.stringify(ended)}`)
      const instance = this.#readInstance()
      if (instance === null) return false
      this.#instance = instance
      const answer = await fetch(`${instance.control}/readyz`).catch(() => null)
      await answer?.arrayBuffer()
      return answer?.status === 200
    }
    try {
      await eventually(probe, { deadlineMs, everyMs: 10, what: 'the gateway to be ready' })
    } catch (error) {
      throw new Error(`${String(error)}\n--- stdout\n${this.stdout.text}\n--- stderr\n${this.stderr.text}`)
    }
  }

  #readInstance(): Instance | null {
    try {
      const value = parseJson(readFileSync(join(this.dataDir, 'instance.json'), 'utf8'))
      if (!isObject(value) || value.pid !== this.#child?.pid) return null
      const { data, control } = value
      if (typeof data !== 'string' || typeof control !== 'string') return null
      return { pid: Number(value.pid), data, control }
    } catch {
      // Not written yet.
      return null
    }
  }

  /** Base URL of the data listener. */
  get url(): string {
    if (this.#instance === null) throw new Error('the gateway is not ready')
    return this.#instance.data
  }

  /** Base URL of the control listener. */
  get controlUrl(): string {
    if (this.#instance === null) throw new Error('the gateway is not ready')
    return this.#instance.control
  }

  /** Process id of the running (or last) process. */
  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('the gateway could not be spawned')
    return pid
  }

  /** True while the process lives. */
  get alive(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves when the process has ended and its output is complete. */
  get exited(): Promise<Exit> {
    if (this.#exit === null) throw new Error('the gateway was not started')
    return this.#exit
  }

  /** Sends a signal to our own child. */
  signal(signal: NodeJS.Signals): void {
    if (this.alive) this.#child?.kill(signal)
  }

  /** Sends the signal and resolves with how the process ended; throws when it is still there after the deadline. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', deadlineMs = 40_000): Promise<Exit> {
    this.signal(signal)
    return within(this.exited, deadlineMs, `the gateway's end after ${signal}`)
  }

  /** Kills the process and resolves when it is gone. */
  async kill9(): Promise<void> {
    await this.stop('SIGKILL')
  }

  /** Replaces the configuration file in one step (temporary file and rename). */
  writeConfig(config: JsonObject | string): void {
    const draft = `${this.configPath}.draft`
    writeFileSync(draft, typeof config === 'string' ? config : JSON.stringify(config, null, 2))
    renameSync(draft, this.configPath)
  }

  /** A read-only handle on the database; the caller closes it (or uses `using`). */
  db(): DatabaseSync {
    return new DatabaseSync(this.databasePath, { readOnly: true, timeout: 5_000 })
  }

  /** Path of the SQLite database, or the URL of the PostgreSQL database that the configuration names. */
  get databasePath(): string {
    const { config } = this.#options
    const storage = typeof config === 'string' ? null : config['storage']
    const url = isObject(storage) ? storage['url'] : null
    if (typeof url === 'string' && url.startsWith('postgres:')) return url
    return join(this.dataDir, 'ferro.db')
  }

  /** The samples of `/metrics`. */
  async metrics(): Promise<MetricSample[]> {
    const ask = async () => await fetch(`${this.controlUrl}/metrics`)
    // A connection that was kept may be closed at the very moment in which it is used again.
    const answer = await ask().catch(ask)
    return parseMetrics(await answer.text())
  }

  /** Kills what still runs and removes the files. */
  async close(): Promise<void> {
    if (this.alive) await this.kill9()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
