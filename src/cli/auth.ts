import { statSync } from 'node:fs'
import { Command } from 'commander'
import { isLoopback, loadAuthData, parseListen, resolveReference } from '../config/index.ts'
import { startAuthService } from '../control/index.ts'
import { Directory } from '../governance/index.ts'
import { EXIT_USAGE, Failure } from './failure.ts'

interface ServeOptions {
  readonly listen: string
  readonly data?: string
  readonly token?: string
  readonly allowPublic?: boolean
}

const DEFAULT_LISTEN = '127.0.0.1:8090'
/** The file is looked at so often: who is switched off in it is refused from the next look on. */
const LOOK_MS = 1_000

const EXAMPLES = `
The file (YAML, JSON or TOML) has tenants, api_keys, roles and bindings. It is read again when it changes; one with errors is not
taken. Gateways ask the service by \`identity.service\` of their configuration.

Examples:
  ferro auth serve --data auth.yaml
  ferro auth serve --data auth.yaml --listen 127.0.0.1:8090 --token '\${env:FERRO_AUTH_TOKEN}'`

/** `ferro auth serve`: tells gateways who holds a key, and what that may do. */
export function authCommand(): Command {
  const command = new Command('auth').description('tell gateways who may do what').addHelpText('after', EXAMPLES)
  command
    .command('serve')
    .description('answer questions about keys, tenants and roles')
    .option('--listen <address>', 'where to listen', process.env['FERROGATE_AUTH_LISTEN'] ?? DEFAULT_LISTEN)
    .option('--data <file>', 'tenants, keys, roles and bindings', process.env['FERROGATE_AUTH_DATA'])
    .option('--token <reference>', 'a reference to a token that gateways must send; without it nobody is asked')
    .option('--allow-public', 'other machines may reach it without a token')
    .action(serve)
  return command
}

async function serve(options: ServeOptions): Promise<void> {
  const { data: file } = options
  if (file === undefined) throw new Failure('name the file with --data', { exitCode: EXIT_USAGE })
  const address = parseListen(options.listen)
  if (address === null) throw new Failure(`--listen ${options.listen}: expected host:port`, { exitCode: EXIT_USAGE })
  const token = options.token === undefined ? null : tokenOf(options.token)
  if (token === null && !isLoopback(address.host) && options.allowPublic !== true) {
    const message = 'other machines could ask about all keys; give a --token, or --allow-public if that is meant'
    throw new Failure(message, { exitCode: EXIT_USAGE })
  }
  const watched = await WatchedDirectory.open(file)
  const service = await startAuthService({ ...address, token, directory: () => watched.current() }).catch(
    (error: unknown) => {
      throw new Failure(`cannot listen on ${options.listen}: ${messageOf(error)}`, { cause: error })
    },
  )
  process.stdout.write(`listening on http://${hostText(address.host)}:${service.port}\n`)
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  watched.close()
  await service.close()
}

/** A file that is read again when it has changed; what cannot be read changes nothing. */
class WatchedDirectory {
  readonly #file: string
  readonly #timer: NodeJS.Timeout
  #directory: Directory
  #version: string
  #isReading = false

  private constructor(file: string, directory: Directory, version: string) {
    this.#file = file
    this.#directory = directory
    this.#version = version
    // Not when somebody asks: the answer would be that of before, however long ago the file has changed.
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref()
  }

  static async open(file: string): Promise<WatchedDirectory> {
    try {
      const version = versionOf(file)
      return new WatchedDirectory(file, new Directory(await loadAuthData(file)), version)
    } catch (error) {
      throw new Failure(`${file} cannot be used: ${messageOf(error)}`, { cause: error })
    }
  }

  current(): Directory {
    return this.#directory
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      const version = versionOf(this.#file)
      if (version === this.#version) return
      this.#version = version
      this.#directory = new Directory(await loadAuthData(this.#file))
      process.stderr.write(`${this.#file} has changed and is in force\n`)
    } catch (error) {
      process.stderr.write(`${this.#file} has changed and cannot be used; what was known stays: ${messageOf(error)}\n`)
    } finally {
      this.#isReading = false
    }
  }
}

/** Another one for every file that is put in the place of one, whatever its time. */
function versionOf(file: string): string {
  const { mtimeMs, size, ino } = statSync(file)
  return `${mtimeMs} ${size} ${ino}`
}

function tokenOf(reference: string): string {
  const resolved = resolveReference(reference, process.env)
  const token = resolved.ok ? resolved.secret.reveal() : ''
  if (token !== '') return token
  throw new Failure(`--token ${reference} cannot be resolved`, { exitCode: EXIT_USAGE })
}

function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
