import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createAuthority } from '../harness/certificate.ts'
import { findServer, howToInstall, unprivilegedAccount } from './find-server.ts'
import { freePort } from './server-process.ts'

const UP_MS = 10_000
const run = promisify(execFile)

/** How a server of our own is made. */
export interface PrivatePostgresOptions {
  /** Password of its user `postgres`; without one nobody is asked for any. */
  readonly password?: string
  /** Speaks TLS alone, with a certificate for `localhost`. */
  readonly tls?: boolean
}

/** A PostgreSQL server of our own on a port that it keeps: it may be stopped, killed and frozen, and comes back with its data. */
export class PrivatePostgres {
  readonly port: number
  /** Certificate of the authority that signed the server's (PEM file); only with `tls`. */
  readonly authorityFile: string
  readonly #directory: string
  readonly #options: PrivatePostgresOptions
  readonly #account = unprivilegedAccount()
  readonly #programs: string
  #child: ChildProcess | null = null
  #output = ''

  private constructor(port: number, programs: string, options: PrivatePostgresOptions) {
    this.port = port
    this.#programs = programs
    this.#options = options
    this.#directory = mkdtempSync(path.join(tmpdir(), 'ferro-postgres-'))
    if (this.#account !== null) chownSync(this.#directory, this.#account.uid, this.#account.gid)
    this.authorityFile = path.join(this.#directory, 'ca.pem')
  }

  /** Makes a cluster and starts it. */
  static async start(options: PrivatePostgresOptions = {}): Promise<PrivatePostgres> {
    const initdb = findServer('postgres')
    if (initdb === null) throw new Error(howToInstall('postgres'))
    // Through a link, to the folder that holds the rest of the programs.
    const server = new PrivatePostgres(await freePort(), path.dirname(realpathSync(initdb)), options)
    try {
      await server.#make()
      await server.start()
      return server
    } catch (error) {
      await server.close()
      throw error
    }
  }

  /** A URL of one of its databases. */
  url(database = 'postgres', password = this.#options.password): string {
    const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`
    return `postgres://postgres${secret}@127.0.0.1:${this.port}/${database}`
  }

  /** Runs statements with psql and resolves to the rows, fields separated by `|`. */
  async psql(statements: string, database = 'postgres'): Promise<string> {
    const { password } = this.#options
    const args = ['-X', '-A', '-t', '-q', '-h', '127.0.0.1', '-p', `${this.port}`, '-U', 'postgres', '-d', database]
    const env = { ...process.env, ...(password === undefined ? {} : { PGPASSWORD: password }) }
    const { stdout } = await run(path.join(this.#programs, 'psql'), [...args, '-c', statements], { env })
    return stdout.trim()
  }

  /** Starts it, for the first time or again, and resolves when it answers. */
  async start(): Promise<void> {
    for (const endMs = performance.now() + UP_MS; ; await delay(50)) {
      this.#spawn()
      if (await this.#answers(endMs)) return
      // The processes of one that was killed may hold its memory for a moment.
      if (performance.now() > endMs) throw new Error(`PostgreSQL does not come up:\n${this.#output}`)
    }
  }

  /** Ends it in order, connections and all. */
  async stop(): Promise<void> {
    await this.#end('SIGINT')
  }

  /** `kill -9` of the server; its helpers see that it is gone, and end as well. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends it and removes its data. */
  async close(): Promise<void> {
    await this.#end('SIGINT')
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }

  async #make(): Promise<void> {
    const secret = path.join(this.#directory, 'password')
    const { password } = this.#options
    const auth = password === undefined ? ['--auth=trust'] : ['--auth=scram-sha-256', `--pwfile=${secret}`]
    if (password !== undefined) this.#write('password', password)
    const common = ['--username=postgres', '--encoding=UTF8', '--locale=C', '--no-sync']
    const data = path.join(this.#directory, 'data')
    const initdb = path.join(this.#programs, 'initdb')
    await run(initdb, ['-D', data, ...auth, ...common], { cwd: this.#directory, ...this.#account })
    // What is killed with -9 leaves its pages to the system: nothing is lost without syncs but with the machine.
    const settings = ["listen_addresses = '127.0.0.1'", 'fsync = off', `unix_socket_directories = '${this.#directory}'`]
    if (this.#options.tls === true) settings.push(...this.#certify())
    appendFileSync(path.join(data, 'postgresql.conf'), `${settings.join('\n')}\n`)
    if (this.#options.tls === true) {
      const method = password === undefined ? 'trust' : 'scram-sha-256'
      writeFileSync(path.join(data, 'pg_hba.conf'), `local all all trust\nhostssl all all 127.0.0.1/32 ${method}\n`)
    }
  }

  #certify(): string[] {
    const authority = createAuthority()
    const { key, cert } = authority.issue({ names: ['localhost', '127.0.0.1'] })
    this.#write('ca.pem', authority.cert)
    this.#write('server.pem', cert)
    this.#write('server.key', key)
    const file = (name: string) => `'${path.join(this.#directory, name)}'`
    return ['ssl = on', `ssl_cert_file = ${file('server.pem')}`, `ssl_key_file = ${file('server.key')}`]
  }

  #write(name: string, text: string): void {
    const file = path.join(this.#directory, name)
    writeFileSync(file, text, { mode: 0o600 })
    if (this.#account !== null) chownSync(file, this.#account.uid, this.#account.gid)
  }

  #spawn(): void {
    const args = ['-D', path.join(this.#directory, 'data'), '-p', `${this.port}`]
    mkdirSync(this.#directory, { recursive: true })
    const child = spawn(path.join(this.#programs, 'postgres'), args, {
      cwd: this.#directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...this.#account,
    })
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-4_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    this.#child = child
    // A test that dies must not leave its server behind.
    const kill = (): void => void child.kill('SIGKILL')
    process.once('exit', kill)
    child.once('exit', () => process.off('exit', kill))
  }

  async #answers(endMs: number): Promise<boolean> {
    const isReady = path.join(this.#programs, 'pg_isready')
    while (this.#isAlive() && performance.now() < endMs) {
      const args = ['-q', '-h', '127.0.0.1', '-p', `${this.port}`]
      const isUp = await run(isReady, args).then(
        () => true,
        () => false,
      )
      if (isUp) return true
      await delay(20)
    }
    return false
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === null || !this.#isAlive()) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  #isAlive(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }
}
