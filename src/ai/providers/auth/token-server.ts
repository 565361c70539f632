import { GatewayError, type Transport, type UpstreamRequest } from '../../../core/index.ts'
import { ask, type Reply } from '../../../governance/index.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Expiring } from './expiring.ts'

const TIMEOUT_MS = 10_000
const MAX_BYTES = 262_144
/** What an error of OAuth looks like (RFC 6749, 5.2): shown, since it says what to mend. */
const ERROR_CODE = /^[a-z_]{1,64}$/

/** Connections to the servers that give tokens, through the same door as all others. */
export type ConnectTo = (origin: string) => Transport

/** A server that gives tokens, in the words of messages: `Google's token server`. */
export interface TokenServer {
  readonly name: string
  readonly url: URL
  readonly connect: ConnectTo
}

/** Asks for a JSON object. Rejects with a GatewayError that may be shown. */
export async function askServer(
  { name, url, connect }: TokenServer,
  request: { readonly method: 'GET' | 'POST' | 'PUT'; readonly headers?: readonly string[]; readonly body?: string },
): Promise<Reply> {
  const { method, headers = [], body } = request
  const sent: UpstreamRequest = {
    method,
    path: `${url.pathname}${url.search}`,
    headers: ['accept', 'application/json', 'user-agent', 'ferro-gateway', ...headers],
    body: body === undefined ? null : Buffer.from(body),
  }
  const reply = await new Promise<Reply | Error>((resolve) => {
    ask(connect(url.origin), sent, { timeoutMs: TIMEOUT_MS, maxBodyBytes: MAX_BYTES, onReply: resolve })
  })
  if (reply instanceof Error) {
    throw new GatewayError('upstream_unavailable', `${name} could not be asked for a credential.`, { cause: reply })
  }
  if (reply.status === 200) return reply
  const code = jsonOf(reply)?.['error']
  const said = typeof code === 'string' && ERROR_CODE.test(code) ? ` (${code})` : ''
  const isOurs = reply.status >= 400 && reply.status < 500 && reply.status !== 429
  throw new GatewayError(
    isOurs ? 'upstream_auth' : 'upstream_unavailable',
    `${name} gave no credential: it answered ${reply.status}${said}.`,
  )
}

/** The body of a reply as an object, or null. */
export function jsonOf({ body }: Reply): JsonObject | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null // said by who needed it
  }
}

/** Asks for an access token of OAuth (RFC 6749, 5.1), by a form or without one. */
export async function fetchToken(
  server: TokenServer,
  request: { readonly form: Readonly<Record<string, string>> } | { readonly headers: readonly string[] },
  now: () => number,
): Promise<Expiring<string>> {
  const askedAt = now()
  const reply = await askServer(
    server,
    'form' in request
      ? {
          method: 'POST',
          headers: ['content-type', 'application/x-www-form-urlencoded'],
          body: new URLSearchParams(request.form).toString(),
        }
      : { method: 'GET', headers: request.headers },
  )
  const answer = jsonOf(reply)
  const token = answer?.['access_token']
  // Some servers write the seconds as text.
  const seconds = Number(answer?.['expires_in'])
  if (typeof token !== 'string' || token === '' || !(seconds > 0)) {
    throw new GatewayError('upstream_unavailable', `${server.name} answered without a token.`)
  }
  return { value: token, expiresAt: askedAt + seconds * 1_000 }
}
