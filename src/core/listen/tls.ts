import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { SecureContext, Server, TLSSocket } from 'node:tls'
import {
  type CertificateFiles,
  type CertificateInfo,
  CertificateTable,
  checkAuthorities,
  type PemFile,
} from './certificates.ts'
import type { ClientCertificate } from './client-certificate.ts'
import { TlsHandshake } from './tls-handshake.ts'

export interface ListenerTls {
  /** The first serves clients whose server name no other has. */
  readonly certificates: readonly CertificateFiles[]
  /** TLSv1.2 without it. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  /**
   * `request`: a client may show a certificate, and is cut off when it cannot be verified. `require`: it must show one.
   * `ignore` without it; the other two need `clientCa`.
   */
  readonly clientCertificate?: 'ignore' | 'request' | 'require'
  readonly clientCa?: PemFile
  /** Whether HTTP/2 is offered; true without it. */
  readonly http2?: boolean
  /**
   * Random bytes, the same for all listeners that may resume each other's sessions: those of the workers of one process.
   * Without it each has its own.
   */
  readonly ticketSeed?: Buffer
  /** Handshakes under way at once; the oldest makes room for the next. 1,024, or a quarter of the listener's connections. */
  readonly maxHandshakes?: number
}

/** Told once at the end of a handshake; null: the connection is gone. */
export type HandshakeEnd = (done: Secured | null) => void

export interface Secured {
  readonly secured: TLSSocket
  /** Of the client; verified. */
  readonly certificate: ClientCertificate | null
}

/** Unless the settings say otherwise. */
export const MAX_HANDSHAKES = 1_024
/** Of `ticketKeys`: 48 bytes, which SHA-384 happens to give. */
const TICKET_HASH = 'sha384'

/** What new connections meet. */
interface Terms {
  /** Never listens: it is handed connections. */
  readonly server: Server
  readonly infos: readonly CertificateInfo[]
  readonly maxHandshakes: number
}

/**
 * Makes TLS of accepted connections. `update` changes everything for those that come; those that stand, and handshakes
 * under way, go on with what they began with.
 */
export class TlsAcceptor {
  readonly #ownSeed = randomBytes(48)
  #terms: Terms
  /** Oldest first; by the ends of their connections, since TLS tells of its end with a socket of its own. */
  readonly #handshakes = new Map<string, TlsHandshake>()

  /** Throws a CertificateError for what TLS cannot be served with. */
  constructor(settings: ListenerTls) {
    this.#terms = this.#compile(settings)
  }

  /** The certificates that are served now. */
  get certificates(): readonly CertificateInfo[] {
    return this.#terms.infos
  }

  get handshakes(): number {
    return this.#handshakes.size
  }

  /** Throws a CertificateError for what TLS cannot be served with; nothing changes then. */
  update(settings: ListenerTls): void {
    this.#terms = this.#compile(settings)
  }

  /** Begins a handshake. */
  accept(socket: Socket, onEnd: HandshakeEnd): TlsHandshake {
    const ends = endsOf(socket)
    const handshake: TlsHandshake = new TlsHandshake(socket, (done) => {
      if (this.#handshakes.get(ends) === handshake) this.#handshakes.delete(ends)
      onEnd(done)
    })
    this.#handshakes.set(ends, handshake)
    const { server, maxHandshakes } = this.#terms
    if (this.#handshakes.size > maxHandshakes) this.#dropOldest()
    server.emit('connection', socket)
    return handshake
  }

  /** Who floods with handshakes that lead nowhere has the oldest ones. */
  #dropOldest(): void {
    for (const oldest of this.#handshakes.values()) return oldest.destroy()
  }

  #compile(settings: ListenerTls): Terms {
    const { minVersion = 'TLSv1.2', clientCertificate = 'ignore', clientCa, http2 = true } = settings
    const asks = clientCertificate !== 'ignore' && clientCa !== undefined
    if (clientCa !== undefined) checkAuthorities(clientCa)
    const authorities = asks ? [clientCa.pem] : []
    const table = new CertificateTable(settings.certificates, { minVersion, clientCa: authorities })
    const [{ cert, key } = { cert: null, key: null }] = settings.certificates
    if (cert === null) throw new Error('a table of certificates is never empty')
    const { createServer } = process.getBuiltinModule('node:tls')
    const server = createServer({
      cert: cert.pem,
      key: key.pem,
      ...(asks ? { ca: authorities } : {}),
      minVersion,
      requestCert: asks,
      rejectUnauthorized: clientCertificate === 'require',
      ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      SNICallback: (name, done) => done(null, contextFor(table, name)),
      sessionIdContext: 'ferro',
      ticketKeys: this.#ticketKeys(settings, authorities),
    })
    server.on('secureConnection', (socket: TLSSocket) => {
      const handshake = this.#handshakes.get(endsOf(socket))
      if (handshake === undefined) socket.destroy()
      else handshake.secured(socket, asks)
    })
    return { server, infos: table.infos, maxHandshakes: settings.maxHandshakes ?? MAX_HANDSHAKES }
  }

  /** A session of a client whose certificate was verified otherwise than now cannot be resumed. */
  #ticketKeys({ ticketSeed, clientCertificate = 'ignore' }: ListenerTls, authorities: readonly string[]): Buffer {
    const hash = createHash(TICKET_HASH).update(ticketSeed ?? this.#ownSeed)
    return hash.update(JSON.stringify([clientCertificate, authorities])).digest()
  }
}

/** Nothing may be thrown into OpenSSL: it would end the process. */
function contextFor(table: CertificateTable, name: string): SecureContext {
  try {
    return table.find(name)
  } catch {
    return table.fallback // whatever a name can be, the first certificate serves it
  }
}

function endsOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
}
