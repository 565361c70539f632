import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { RequestIds } from '../lib/index.ts'
import { AdminGuard } from './admin-guard.ts'
import { type Admin, checkRight, OWNER } from './admins.ts'
import { type Actor, refusedEntry } from './audit-entry.ts'
import { hasBody, readJsonBody } from './body.ts'
import { type ControlCode, ControlError } from './errors.ts'
import { createHostGuard } from './host-guard.ts'
import { closeAfterUnreadBody, isRefused } from './linger.ts'
import { answerParseError } from './parse-error.ts'
import type { ControlPort } from './port.ts'
import { parseQuery } from './query.ts'
import type { Answer, Resource } from './resource.ts'
import { RESOURCES } from './resources.ts'
import { errorAnswer, sendAnswer } from './respond.ts'
import { type Match, RouteTable } from './route-table.ts'

// An import would read all its exports, of which some load a whole HTTP client at once: 70 ms and 16 MB.
const { createServer } = process.getBuiltinModule('node:http')

const HEADERS_TIMEOUT_MS = 10_000
const BODY_TIMEOUT_MS = 20_000
/** Node's own guard behind ours; it can only cut the connection. */
const REQUEST_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 5_000
/** A client that reads nothing for so long is given up. */
const STALLED_MS = 60_000
const CLOSE_GRACE_MS = 1_000
const MAX_HEAD_BYTES = 16_384
const MAX_HEADERS = 100
const MAX_CONNECTIONS = 512
const MAX_TARGET_CHARS = 64
/** Refusals that say that somebody tried what it may not, or what cannot be; all others are slips. */
const DENIED: ReadonlySet<ControlCode> = new Set([
  'insufficient_scope',
  'grant_exceeded',
  'not_found',
  'conflict',
  'read_only',
])

export interface ControlServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Other machines can reach the listener: metrics need the admin token too, and names of any host are taken. */
  readonly public: boolean
  /** Until the head of a request, and then its body, must be complete; 10 s and 20 s when not given. */
  readonly headersTimeoutMs?: number
  readonly bodyTimeoutMs?: number
  /** Told of what the port threw unexpectedly; the client learns the request id alone. */
  readonly onFault?: (error: unknown, requestId: string) => void
}

export interface ControlServer {
  /** Resolves with the port that is listened on; rejects with Node's error (EADDRINUSE, EACCES…). */
  listen(): Promise<number>
  /** Stops listening; open requests get a second to end. */
  close(): Promise<void>
}

/** Makes the control listener for a process; it answers after `listen`. */
export function createControlServer(port: ControlPort, options: ControlServerOptions): ControlServer {
  return new Control(port, options)
}

class Control implements ControlServer {
  readonly #port: ControlPort
  readonly #options: ControlServerOptions
  readonly #server: Server
  readonly #routes = new RouteTable(RESOURCES)
  readonly #ids = new RequestIds()
  readonly #checkHost: ((host: string) => void) | null
  readonly #admin: AdminGuard

  constructor(port: ControlPort, options: ControlServerOptions) {
    this.#port = port
    this.#options = options
    this.#checkHost = options.public ? null : createHostGuard(options.host)
    this.#admin = new AdminGuard({ adminOf: (token) => port.adminOf(token), nowMs: () => performance.now() })
    const serve = (req: IncomingMessage, res: ServerResponse) => void this.#serve(req, res)
    this.#server = createServer(
      {
        connectionsCheckingInterval: 1_000,
        headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: MAX_HEAD_BYTES,
        insecureHTTPParser: false,
      },
      serve,
    )
    // Node would drop headers beyond its own count unseen; ours refuses the request.
    this.#server.maxHeadersCount = 0
    this.#server.maxConnections = MAX_CONNECTIONS
    this.#server.timeout = STALLED_MS
    this.#server.on('checkContinue', serve)
    this.#server.on('checkExpectation', serve)
    this.#server.on('clientError', answerParseError)
  }

  async listen(): Promise<number> {
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.removeListener('error', reject)
        resolve()
      })
    })
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP listener has no port')
    return address.port
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_GRACE_MS)
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeIdleConnections()
    })
    clearTimeout(timer)
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (isRefused(req.socket)) return
    const requestId = this.#ids.next()
    let answer: Answer
    try {
      answer = await this.#answer(req, res, requestId)
    } catch (error) {
      if (!(error instanceof ControlError)) this.#options.onFault?.(error, requestId)
      answer = errorAnswer(error, requestId)
    }
    if (res.destroyed) return
    if (hasBody(req) && !req.complete) {
      res.setHeader('connection', 'close')
      closeAfterUnreadBody(req, res)
    }
    sendAnswer(res, { answer, requestId, headOnly: req.method === 'HEAD' })
  }

  async #answer(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<Answer> {
    checkHead(req)
    const [path, search] = splitTarget(req.url ?? '')
    const match = this.#routes.find(req.method ?? '', path)
    const { resource, id } = match
    const admin = this.#checkAccess(resource, req)
    const by: Actor = { id: admin.id, address: req.socket.remoteAddress ?? null, requestId }
    try {
      this.#checkRight(admin, resource)
      const query = resource.query === null ? new Map<string, string>() : parseQuery(search, resource.query)
      const asked = { admin, by, id, query }
      if (resource.body === 'none') return await resource.handle(this.#port, { ...asked, body: undefined })
      const body = await readJsonBody(req, res, this.#options.bodyTimeoutMs ?? BODY_TIMEOUT_MS)
      return await resource.handle(this.#port, { ...asked, body })
    } catch (error) {
      if (error instanceof ControlError && DENIED.has(error.code)) await this.#note(error.code, match, by)
      throw error
    }
  }

  /** Who tried what it may not is in the audit log. A refusal that cannot be written down is one all the same. */
  async #note(code: ControlCode, { resource: { action }, id }: Match, by: Actor): Promise<void> {
    if (action === undefined) return
    const target = `${action.slice(0, action.indexOf('.'))}:${id === '' ? '*' : id.slice(0, MAX_TARGET_CHARS)}`
    try {
      await this.#port.noteRefusal(refusedEntry(by, action, target, code))
    } catch (error) {
      this.#options.onFault?.(error, by.requestId ?? '')
    }
  }

  /** Who asks, where somebody must say it. */
  #checkAccess({ access, right }: Resource, req: IncomingMessage): Admin {
    // Health says nothing worth stealing, and probes send all sorts of names.
    if (access === 'open' || right === null) return OWNER
    this.#checkHost?.(req.headers.host ?? '')
    checkOrigin(req)
    if (access === 'metrics' && !this.#options.public) return OWNER
    return this.#admin.check(req.headers.authorization, req.socket.remoteAddress ?? '')
  }

  #checkRight(admin: Admin, { access, right }: Resource): void {
    if (right === null || access === 'open') return
    checkRight(admin, right)
    if (access !== 'admin' || !this.#port.notReady().includes('starting')) return
    const message = 'The gateway is starting and does not know its keys yet. Try again in a moment.'
    throw new ControlError('not_ready', message, { headers: { 'retry-after': '1' } })
  }
}

/** A page of another site has no business here, even when somebody has given it the token. */
function checkOrigin({ headers: { origin, host } }: IncomingMessage): void {
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return
  const message = 'Pages of other sites may not call this listener.'
  throw new ControlError('origin_not_allowed', message, { param: 'origin' })
}

/** Refuses heads that two programs could read in two ways. */
function checkHead(req: IncomingMessage): void {
  if (req.httpVersionMajor !== 1 || req.httpVersionMinor > 1) {
    throw new ControlError('version_not_supported', 'Only HTTP/1.1 and HTTP/1.0 are supported.')
  }
  if (req.rawHeaders.length > 2 * MAX_HEADERS) {
    throw new ControlError('headers_too_large', `At most ${MAX_HEADERS} headers are taken.`)
  }
  for (const name of ['host', 'authorization', 'content-length', 'content-type']) {
    if ((req.headersDistinct[name]?.length ?? 0) < 2) continue
    throw new ControlError('malformed_request', `The header ${name} is given twice.`, { param: name })
  }
  const { expect } = req.headers
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    throw new ControlError('expectation_failed', 'The only expectation that is met is 100-continue.', {
      param: 'expect',
    })
  }
}

function splitTarget(target: string): [path: string, search: string] {
  const at = target.indexOf('?')
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
}
