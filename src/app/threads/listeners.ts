import { readFileSync } from 'node:fs'
import type { BlockList } from 'node:net'
import type { ConfigDocument, ListenerConfig } from '../../config/index.ts'
import {
  type AddressCap,
  compileNetworks,
  type Gateway,
  isIn,
  Listener,
  type ListenerLimits,
  type ListenerTls,
  type PemFile,
  TlsAcceptor,
} from '../../core/index.ts'
import { ConnectionCounts } from '../../governance/index.ts'
import { type ListenerPorts, listenersOf } from '../listeners.ts'
import type { SharedMemory, WorkerMemory } from '../memory.ts'

export interface ListenersOptions {
  readonly document: ConfigDocument
  /** Ports of listeners whose configuration leaves them open, as other workers found them. */
  readonly ports: ListenerPorts
  readonly reusePort: boolean
  /** The same in all workers, so that each resumes what another began. */
  readonly ticketSeed: Uint8Array
  readonly memory: Pick<SharedMemory, 'connections'>
  readonly own: Pick<WorkerMemory, 'connections'>
}

/** All listeners of one worker. */
export class Listeners {
  readonly #held: readonly { readonly name: string; readonly hasTls: boolean; readonly listener: Listener }[]
  readonly #ticketSeed: Buffer
  readonly #counts: ConnectionCounts

  /** Throws when a certificate cannot be served. */
  constructor(gateway: Gateway, options: ListenersOptions) {
    const { document, ports, reusePort, ticketSeed, memory, own } = options
    this.#counts = new ConnectionCounts(
      { shared: memory.connections, own: own.connections },
      document.limits.connections_per_address,
    )
    this.#ticketSeed = Buffer.from(ticketSeed)
    this.#held = listenersOf(document).map(({ name, config }) => ({
      name,
      hasTls: config.tls !== undefined,
      listener: new Listener(gateway, {
        name,
        host: config.listen.host,
        port: config.listen.port === 0 ? (ports[name] ?? 0) : config.listen.port,
        reusePort,
        tls: tlsOf(config, this.#ticketSeed),
        ...this.#limitsOf(document, config),
      }),
    }))
  }

  /** Resolves with the port of each when all listen. */
  async listen(): Promise<ListenerPorts> {
    const ports = await Promise.all(
      this.#held.map(async ({ name, listener }) => [name, await listener.listen()] as const),
    )
    return Object.fromEntries(ports)
  }

  /** Throws when the certificate files of a document cannot be served now. */
  check(document: ConfigDocument): void {
    for (const { config } of listenersOf(document)) {
      const tls = tlsOf(config, this.#ticketSeed)
      if (tls !== null) void new TlsAcceptor(tls)
    }
  }

  /** Bounds that hold from now on, of listeners whose place is the same. */
  updateLimits(document: ConfigDocument): void {
    this.#counts.setLimit(document.limits.connections_per_address)
    for (const { name, config } of listenersOf(document)) {
      this.#held.find((held) => held.name === name)?.listener.updateLimits(this.#limitsOf(document, config))
    }
  }

  #limitsOf({ limits, trusted_proxies }: ConfigDocument, { proxy_protocol: mode }: ListenerConfig): ListenerLimits {
    const trusted = compileNetworks(trusted_proxies)
    return {
      maxConnections: limits.connections,
      addressCap: capFor(this.#counts, trusted),
      headerTimeoutMs: limits.header_timeout,
      requestTimeoutMs: limits.body_total,
      keepAliveMs: limits.keep_alive,
      answerIdleMs: limits.answer_idle,
      proxyProtocol: mode === 'off' ? null : { mode, trusted },
    }
  }

  /**
   * New connections meet what the certificate files hold now; those that stand keep what they began with. A listener that
   * has another address, or TLS where it had none, is the next worker's.
   */
  update(document: ConfigDocument): void {
    for (const { name, config } of listenersOf(document)) {
      const tls = tlsOf(config, this.#ticketSeed)
      if (tls === null) continue
      this.#held.find((held) => held.name === name && held.hasTls)?.listener.updateTls(tls)
    }
  }

  async stopAccepting(): Promise<void> {
    await Promise.all(this.#held.map(async ({ listener }) => await listener.stopAccepting()))
  }

  async closeGently(noticeMs: number): Promise<void> {
    await Promise.all(this.#held.map(async ({ listener }) => await listener.closeGently(noticeMs)))
  }

  closeIdle(): void {
    for (const { listener } of this.#held) listener.closeIdle()
  }

  async closed(waitMs: number): Promise<void> {
    await Promise.all(this.#held.map(async ({ listener }) => await listener.closed(waitMs)))
  }

  destroy(): void {
    for (const { listener } of this.#held) listener.destroy()
  }

  get connections(): number {
    return this.#held.reduce((sum, { listener }) => sum + listener.connections, 0)
  }
}

/** Behind a proxy's address are many clients: a proxy that is trusted may have as many connections as there are. */
function capFor(counts: ConnectionCounts, trusted: BlockList): AddressCap {
  return { take: (address) => (isIn(trusted, address) ? nothing : counts.take(address)) }
}

function nothing(): void {
  // a trusted proxy was not counted
}

function tlsOf({ tls }: ListenerConfig, ticketSeed: Buffer): ListenerTls | null {
  if (tls === undefined) return null
  return {
    certificates: tls.certificates.map(({ cert, key }) => ({ cert: pemOf(cert), key: pemOf(key) })),
    minVersion: `TLSv${tls.min_version}`,
    clientCertificate: tls.client_certificate,
    http2: tls.http2,
    ticketSeed,
    ...(tls.client_ca === undefined ? {} : { clientCa: pemOf(tls.client_ca) }),
  }
}

function pemOf(file: string): PemFile {
  return { file, pem: readFileSync(file, 'utf8') }
}
