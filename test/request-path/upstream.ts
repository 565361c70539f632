import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type AnswerTap, type Candidate, ConnectionPool, type Timeouts, type Transport } from '../../src/core/index.ts'
import { PATIENT } from './edge.ts'

/** A server that answers as a test says. */
export interface TestUpstream {
  readonly origin: string
  readonly port: number
  /** Connections accepted so far. */
  readonly accepted: number
  /** Connections that are open now. */
  readonly open: ReadonlySet<Socket>
}

/** Starts an HTTP server on a free loopback port; ends with the test. */
export async function startHttp(
  t: TestContext,
  serve: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<TestUpstream> {
  const server = createServer({ keepAliveTimeout: 60_000 }, serve)
  return await listen(t, server)
}

/** Starts a server of raw connections on a free loopback port; ends with the test. */
export async function startRaw(t: TestContext, serve: (socket: Socket) => void): Promise<TestUpstream> {
  return await listen(t, createNetServer(serve))
}

async function listen(t: TestContext, server: Server): Promise<TestUpstream> {
  const open = new Set<Socket>()
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted++
    open.add(socket)
    socket.on('error', () => {
      // A test may reset its connections: 'close' follows and is all that counts.
    })
    socket.once('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    open,
    get accepted() {
      return accepted
    },
  }
}

/** A pool of connections to an origin; closed with the test. Load the HTTP client first. */
export function poolTo(t: TestContext, origin: string, limits: { connections?: number; waiting?: number } = {}) {
  const pool = new ConnectionPool({
    origin,
    connectTimeoutMs: 2_000,
    maxConnections: limits.connections ?? 10,
    maxWaiting: limits.waiting ?? 10,
  })
  t.after(() => pool.close())
  return pool
}

/** A tap that relays everything, whole or as it comes, and notes what it is told. */
export function relayTap(plan: 'buffer' | 'stream', differences: Partial<AnswerTap> = {}): AnswerTap {
  return {
    start: () => plan,
    complete: (body) => body,
    push: (chunk) => chunk,
    end: () => null,
    headers: (headers, body) => [
      'content-type',
      String(headers['content-type'] ?? 'text/plain'),
      ...(body === null ? [] : ['content-length', String(body.length)]),
    ],
    ...differences,
  }
}

export interface CandidateParts {
  readonly transport: Transport
  readonly timeouts?: Partial<Timeouts>
  readonly tap?: () => AnswerTap
  readonly body?: Buffer | null
  readonly encode?: Candidate['encode']
}

/** A candidate that posts the request's own body and relays the answer. */
export function candidateOf(parts: CandidateParts): Candidate {
  const { transport, timeouts, tap = () => relayTap('buffer') } = parts
  const upstream = { name: 'far', origin: 'http://far', transport, timeouts: { ...PATIENT, ...timeouts } }
  return {
    name: 'far/one',
    upstream,
    encode:
      parts.encode ??
      ((x) => ({ method: x.body === null ? 'GET' : 'POST', path: '/far', headers: [], body: parts.body ?? x.body })),
    open: tap,
  }
}
