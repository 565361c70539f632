import type { Redis } from 'ioredis'

/** Where the counter store is. The address may hold a password: it is in no error. */
export interface RedisAddress {
  readonly url: string
  /** In place of one in the address. */
  readonly password: string | null
  /** PEM text of authorities to trust besides the system's; null: none. */
  readonly ca: string | null
}

/** What the server says of itself. */
export interface ServerFacts {
  /** Another after each start of the server, and on each server. */
  readonly run: string
  readonly role: string
  /** What it does when its memory is full; `noeviction` refuses writes, anything else forgets counters. */
  readonly eviction: string
  readonly maxMemoryBytes: number
}

/** The store did not do what it was told, or nobody knows whether it did. The message is safe to show. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure'
}

const CONNECT_MS = 1_000

/**
 * One connection for commands and one for messages, for one session: it never connects again, so that what was sent before a failure
 * is not done after it under the same name. Whoever uses it begins another.
 */
export class RedisConnection {
  readonly #commands: Redis
  readonly #messages: Redis
  readonly #shas = new Map<string, string>()
  readonly #answerMs: number
  #failure: StoreFailure | null = null
  readonly #onFailure: (failure: StoreFailure) => void

  private constructor(pair: { commands: Redis; messages: Redis }, options: ConnectionOptions) {
    this.#commands = pair.commands
    this.#messages = pair.messages
    this.#answerMs = options.answerMs
    this.#onFailure = options.onFailure
    for (const redis of [pair.commands, pair.messages]) {
      // Without a listener an error of the connection would end the thread; the end that follows says enough.
      redis.on('error', (error: Error) => this.#fail(describe(error)))
      redis.on('end', () => this.#fail('the connection was closed'))
    }
    pair.messages.on('message', (_channel: string, text: string) => options.onMessage(text))
  }

  /** Rejects with a StoreFailure. `onFailure` is called once when the connection ends later on, for whatever reason. */
  static async open(address: RedisAddress, options: ConnectionOptions): Promise<RedisConnection> {
    // Loaded by the one thread that uses it, when there is such a store at all.
    const { Redis: Client } = await import('ioredis')
    const { url, ...credentials } = credentialsOf(address)
    const make = () =>
      new Client(url, {
        lazyConnect: true,
        enableOfflineQueue: false,
        autoResendUnfulfilledCommands: false,
        autoResubscribe: false,
        maxRetriesPerRequest: 0,
        connectTimeout: CONNECT_MS,
        retryStrategy: () => null,
        ...credentials,
        ...(url.startsWith('rediss:') && address.ca !== null ? { tls: { ca: address.ca } } : {}),
      })
    const pair = { commands: make(), messages: make() }
    const connection = new RedisConnection(pair, options)
    try {
      await connection.#within(Promise.all([pair.commands.connect(), pair.messages.connect()]), CONNECT_MS)
      await connection.#within(pair.messages.subscribe(options.channel), CONNECT_MS)
      return connection
    } catch (error) {
      connection.#fail(describe(error))
      throw connection.#failure ?? error
    }
  }

  /** Runs a script; rejects with a StoreFailure, and ends the connection, when there is no answer in time. */
  async run(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<readonly unknown[]> {
    const answer = await this.#command(async () => {
      const sha = this.#shas.get(script)
      if (sha !== undefined) {
        try {
          return await this.#commands.evalsha(sha, keys.length, ...keys, ...args)
        } catch (error) {
          if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
        }
      }
      const [value, loaded] = await Promise.all([
        this.#commands.eval(script, keys.length, ...keys, ...args),
        this.#commands.script('LOAD', script),
      ])
      this.#shas.set(script, String(loaded))
      return value
    })
    return Array.isArray(answer) ? answer : [answer]
  }

  async facts(): Promise<ServerFacts> {
    const text = String(await this.#command(async () => await this.#commands.info()))
    const of = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? ''
    return {
      run: of('run_id'),
      role: of('role'),
      eviction: of('maxmemory_policy'),
      maxMemoryBytes: Number(of('maxmemory')) || 0,
    }
  }

  async list(key: string): Promise<readonly string[]> {
    return (await this.#command(async () => await this.#commands.lrange(key, 0, -1))) as string[] // LRANGE gives texts
  }

  close(): void {
    this.#failure ??= new StoreFailure('the connection is closed')
    this.#commands.disconnect()
    this.#messages.disconnect()
  }

  async #command(send: () => Promise<unknown>): Promise<unknown> {
    if (this.#failure !== null) throw this.#failure
    try {
      return await this.#within(send(), this.#answerMs)
    } catch (error) {
      this.#fail(describe(error))
      throw this.#failure ?? error
    }
  }

  async #within<T>(answer: Promise<T>, ms: number): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      // After a stall of this very thread the answer may lie unread: timers come before sockets.
      setImmediate(() => setImmediate(() => reject(new StoreFailure(`there was no answer within ${ms} ms`))))
    }, ms)
    try {
      return await Promise.race([answer, late])
    } finally {
      clearTimeout(timer)
    }
  }

  #fail(reason: string): void {
    if (this.#failure !== null) return
    this.#failure = new StoreFailure(reason)
    this.#commands.disconnect()
    this.#messages.disconnect()
    this.#onFailure(this.#failure)
  }
}

/** An address without its credentials, and these apart: in an address the client takes an empty password for the one to use. */
function credentialsOf({ url: text, password: given }: RedisAddress) {
  const url = new URL(text.replace(/^valkey/, 'redis'))
  const [username, password] = [url.username, url.password].map(decodeURIComponent)
  url.username = ''
  url.password = ''
  const secret = given ?? password
  return {
    url: url.href,
    ...(username ? { username } : {}),
    ...(secret ? { password: secret } : {}),
  }
}

export interface ConnectionOptions {
  /** Messages of this channel are heard. */
  readonly channel: string
  readonly onMessage: (text: string) => void
  readonly onFailure: (failure: StoreFailure) => void
  /** How long a command may take. */
  readonly answerMs: number
}

/** Errors of the client have the command's arguments with them, a password among these: only the message is kept. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ')
  return error instanceof Error ? error.message : String(error)
}
