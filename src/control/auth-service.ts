import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type Directory, sameToken } from '../governance/index.ts'
import { isObject } from '../lib/index.ts'

// An import would read all its exports, of which some load a whole HTTP client at once: 70 ms and 16 MB.
const { createServer } = process.getBuiltinModule('node:http')

const MAX_BODY_BYTES = 1_048_576
const MAX_CONNECTIONS = 512
/** A connection has so long for its request. */
const DEADLINE_MS = 15_000
const SERVICE = 'ferrogate-auth'

export interface AuthServiceOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Who there is, as it is known now. */
  readonly directory: () => Directory
  /** Must come as a bearer with every question; null: nobody is asked for it. */
  readonly token: string | null
}

export interface AuthService {
  readonly port: number
  close(): Promise<void>
}

interface Reply {
  readonly status: number
  readonly body: object
}

/** Starts the service that tells gateways who holds a key and what that may do. Rejects with Node's error. */
export async function startAuthService(options: AuthServiceOptions): Promise<AuthService> {
  const server = createServer({ headersTimeout: DEADLINE_MS, requestTimeout: DEADLINE_MS }, (req, res) => {
    void answer(req, options).then(
      (reply) => send(res, reply),
      () => res.destroy(),
    )
  })
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port }, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP listener has no port')
  return { port: address.port, close: () => closed(server) }
}

async function closed(server: Server): Promise<void> {
  server.closeIdleConnections()
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

async function answer(req: IncomingMessage, options: AuthServiceOptions): Promise<Reply> {
  const path = (req.url ?? '').split('?', 1)[0] ?? ''
  if (path === '/healthz' || path === '/v1/healthz') {
    return req.method === 'GET' ? ok({ service: SERVICE, status: 'ok' }) : wrongMethod('GET')
  }
  const handle = HANDLERS.get(path)
  if (handle === undefined) return refused(404, 'not_found', 'There is nothing at this path.')
  if (!isTrusted(req, options.token)) return refused(401, 'unauthorized', 'This needs the token of the service.')
  if (req.method !== handle.method) return wrongMethod(handle.method)
  if (handle.method === 'GET') return handle.answer(options.directory(), {})
  const body = await readObject(req)
  return 'status' in body ? body.reply : handle.answer(options.directory(), body.value)
}

interface Handler {
  readonly method: 'GET' | 'POST'
  readonly answer: (directory: Directory, body: Fields) => Reply
}

type Fields = Readonly<Record<string, unknown>>

const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['/v1/tenants', { method: 'GET', answer: (directory) => ok({ tenants: directory.tenants }) }],
  ['/v1/auth/resolve-api-key', { method: 'POST', answer: resolveKey }],
  ['/v1/auth/authorize', { method: 'POST', answer: authorize }],
])

function resolveKey(directory: Directory, { presented_key: presented }: Fields): Reply {
  if (typeof presented !== 'string' || presented === '') return invalid('presented_key: expected a text.')
  const found = directory.resolve(presented)
  return found === null ? refused(401, 'invalid_api_key', 'The key is not valid.') : ok(found)
}

function authorize(directory: Directory, { tenant = {}, subject, action, resource }: Fields): Reply {
  if (!isObject(tenant)) return invalid('tenant: expected an object of texts.')
  if (!isObject(subject)) return invalid('subject: expected an object with `type` and `id`.')
  const { type, id } = subject
  if (typeof type !== 'string' || typeof id !== 'string') return invalid('subject: expected `type` and `id`.')
  if (typeof action !== 'string' || typeof resource !== 'string') return invalid('expected `action` and `resource`.')
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(tenant)) {
    if (typeof value === 'string') fields[name] = value
    else if (value !== null) return invalid('tenant: expected an object of texts.')
  }
  const allowed = directory.authorize({ tenant: fields, subject: { type, id }, action, resource })
  return ok({ allowed, tenant: fields, reason: allowed ? 'matched_rbac_binding' : 'no_matching_rbac_binding' })
}

function isTrusted(req: IncomingMessage, token: string | null): boolean {
  if (token === null) return true
  const presented = /^bearer +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1]
  return presented !== undefined && sameToken(presented, token)
}

async function readObject(
  req: IncomingMessage,
): Promise<{ readonly value: Fields } | { readonly status: 'refused'; readonly reply: Reply }> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const each of req) {
    const chunk = each as Buffer // the request has no encoding set
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) {
      return { status: 'refused', reply: refused(413, 'payload_too_large', 'The body is over 1 MiB.') }
    }
    chunks.push(chunk)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    if (isObject(value)) return { value }
  } catch {
    // Said below.
  }
  return { status: 'refused', reply: refused(400, 'invalid_json', 'The body must be a JSON object.') }
}

function ok(body: object): Reply {
  return { status: 200, body }
}

function invalid(message: string): Reply {
  return refused(400, 'invalid_request', message)
}

function wrongMethod(allowed: string): Reply {
  return refused(405, 'method_not_allowed', `This path takes ${allowed}.`)
}

function refused(status: number, code: string, message: string): Reply {
  return { status, body: { error: { message, type: 'ferrogate_error', code } } }
}

function send(res: ServerResponse, { status, body }: Reply): void {
  const bytes = Buffer.from(JSON.stringify(body))
  // What is left of a body that was refused is not read.
  if (status === 413) res.setHeader('connection', 'close')
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
  })
  res.end(bytes)
}
