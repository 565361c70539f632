import { connect as connectTcp, isIP, type LookupFunction, type NetConnectOpts, Socket } from 'node:net'
import { TransportError } from '../upstream/transport-error.ts'
import type { ConnectionCallbacks, Destination } from './destination.ts'
import { compileEgressPolicy, type EgressPolicy, type EgressTarget } from './egress-policy.ts'
import { type EgressObserver, EgressTrace } from './egress-trace.ts'
import { canonicalHost } from './ip-address.ts'
import { Resolver } from './resolve.ts'

export interface ConnectorOptions {
  readonly policy?: EgressPolicy
  readonly resolver?: Resolver
  /** Is told of every connection, once; it must not throw. */
  readonly observe?: EgressObserver
}

/** An upstream may think for minutes before it answers: middle boxes must not forget its connection meanwhile. */
const KEEP_ALIVE_PROBE_MS = 60_000

/** An address that has not answered is given up for the next one: longer than a round trip to anywhere. */
const ATTEMPT_MS = 500

/**
 * Sockets of one thread read into one buffer: what was read is consumed before the next read begins. It is a buffer of
 * its own, not a part of Node's pool.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536)

/** Options of a socket once its way is decided; the address of a name is only found, and vetted, by its lookup. */
type Way =
  | { readonly host: string; readonly port: number; readonly lookup?: LookupFunction }
  | { readonly path: string }

/**
 * The one door through which connections leave. The policy judges the very addresses that the socket is then given: a
 * name is resolved once per connection, all its addresses are vetted, and no second answer of its servers is ever
 * asked for. TLS verifies the name, not the address.
 */
export class Connector {
  readonly #policy: EgressPolicy
  readonly #resolver: Resolver
  readonly #observe: EgressObserver | null

  constructor({ policy, resolver, observe }: ConnectorOptions = {}) {
    this.#policy = policy ?? compileEgressPolicy()
    this.#resolver = resolver ?? new Resolver()
    this.#observe = observe ?? null
  }

  /**
   * Begins to connect; never throws. What fails comes as the socket's `error`: `egress_denied`, `connect_timeout`,
   * `resolver_busy`, or a code of Node.
   */
  connect(
    destination: Destination,
    callbacks: ConnectionCallbacks,
    connectTimeoutMs: number = destination.connectTimeoutMs,
  ): Socket {
    const trace = new EgressTrace(destination, this.#observe)
    let socket: Socket
    try {
      socket = open(destination, this.#wayTo(destination, trace), callbacks)
    } catch (error) {
      // In the next turn, when the asker listens.
      socket = new Socket().destroy(error instanceof Error ? error : new Error(String(error)))
    }
    trace.follow(socket)
    const timer = setTimeout(() => {
      socket.destroy(new TransportError('connect_timeout', `No connection within ${connectTimeoutMs} ms.`))
    }, connectTimeoutMs)
    socket.once('close', () => clearTimeout(timer))
    socket.once(destination.tls === null ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer)
      trace.connected(socket)
      callbacks.onConnect()
    })
    return socket
  }

  /**
   * All addresses of a destination, asked for anew, when a connection may go to each of them. Rejects with `egress_denied`
   * or a code of Node's resolver.
   */
  async addressesOf(destination: Destination): Promise<readonly string[]> {
    const trace = new EgressTrace(destination, null)
    const target = this.#targetOf(destination, trace)
    const addresses = isIP(target.host) === 0 ? await this.#resolver.refresh(target.host) : [target.host]
    for (const address of addresses) this.#vet(target, address, trace)
    return addresses
  }

  #wayTo(destination: Destination, trace: EgressTrace): Way {
    const { socketPath, address } = destination
    if (socketPath !== undefined) {
      trace.rule = destination.namedBy === 'operator' ? 'operator:unix' : 'default:unix'
      if (destination.namedBy !== 'operator') throw denied(destination, trace)
      return { path: socketPath }
    }
    const target = this.#targetOf(destination, trace)
    const { host, port } = target
    if (isIP(host) !== 0) {
      this.#vet(target, host, trace)
      return { host, port }
    }
    const lookup: LookupFunction = (_name, { all }, callback) => {
      this.#vetted(target, address, trace).then(
        (addresses) => {
          const found = addresses.map((each) => ({ address: each, family: isIP(each) }))
          const [first = { address: '', family: 0 }] = found
          if (all === true) callback(null, found)
          else callback(null, first.address, first.family)
        },
        (error: NodeJS.ErrnoException) => callback(error, ''),
      )
    }
    return { host, port, lookup }
  }

  #targetOf({ host: named, port, namedBy }: Destination, trace: EgressTrace): EgressTarget {
    const host = canonicalHost(named)
    const target = { host: host ?? named, port, namedBy }
    trace.rule = 'default:not-a-host'
    if (host === null) throw denied(target, trace)
    const verdict = this.#policy.vetHost(target)
    trace.rule = verdict?.rule ?? null
    if (verdict?.allowed === false) throw denied(target, trace)
    return target
  }

  async #vetted(target: EgressTarget, pinned: string | undefined, trace: EgressTrace): Promise<readonly string[]> {
    const { host } = target
    const addresses = pinned !== undefined ? [pinned] : isIP(host) !== 0 ? [host] : await this.#resolver.resolve(host)
    // One that is refused refuses all: which of them a connection reaches is not for others to decide.
    for (const address of addresses) this.#vet(target, address, trace)
    return addresses
  }

  #vet(target: EgressTarget, address: string, trace: EgressTrace): void {
    const { allowed, rule } = this.#policy.vetAddress(target, address)
    trace.rule = rule
    if (!allowed) throw denied(target, trace)
  }
}

/** Says nothing of addresses or ports, which would tell a stranger about the network. */
function denied({ host }: Pick<EgressTarget, 'host'>, trace: EgressTrace): TransportError {
  trace.denied = true
  const message = `Egress denied: no connection may go to ${JSON.stringify(host)} (rule ${trace.rule ?? 'none'}).`
  return new TransportError('egress_denied', message)
}

function open(destination: Destination, way: Way, { onRead }: ConnectionCallbacks): Socket {
  const options: NetConnectOpts = {
    ...way,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    ...(onRead === undefined ? {} : { onread: readInto(onRead) }),
  }
  const { tls: settings } = destination
  if (settings === null) return connectTcp(options)
  // Loaded at the first connection that needs it: a megabyte or two in each thread.
  const tls = process.getBuiltinModule('node:tls')
  const { ca, cert, key, minVersion = 'TLSv1.2', alpn = ['http/1.1'] } = settings
  destination.tlsContext ??= tls.createSecureContext({
    minVersion,
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  })
  const host = canonicalHost(destination.host) ?? destination.host
  const servername = settings.serverName ?? (isIP(host) === 0 ? host : undefined)
  const socket = tls.connect({
    ...options,
    secureContext: destination.tlsContext,
    ALPNProtocols: [...alpn],
    ...(servername === undefined ? {} : { servername }),
    ...(destination.tlsSession === null ? {} : { session: destination.tlsSession }),
  })
  return socket.on('session', (session: Buffer) => (destination.tlsSession = session))
}

function readInto(onRead: (bytes: Buffer) => boolean) {
  return { buffer: READ_BUFFER, callback: (length: number) => onRead(READ_BUFFER.subarray(0, length)) }
}
