import { readFile } from 'node:fs/promises'
import type { AnswerHeaders, Transport } from '../../core/index.ts'
import { ask, type Reply } from './ask.ts'

/** A key set as text, and how long it may be used before it is asked for again. */
export interface KeySetText {
  readonly text: string
  readonly lifetimeMs: number
}

/** Where a key set comes from; rejects when it cannot be had. */
export type KeySetSource = () => Promise<KeySetText>

const MINUTE_MS = 60_000
const LEAST_LIFETIME_MS = MINUTE_MS
const LONGEST_LIFETIME_MS = 24 * 60 * MINUTE_MS
const USUAL_LIFETIME_MS = 10 * MINUTE_MS
const TIMEOUT_MS = 5_000
const MAX_BYTES = 1_048_576

/** A file, looked into again each minute. */
export function keySetFile(path: string): KeySetSource {
  return async () => ({ text: checked(await readFile(path)).toString('utf8'), lifetimeMs: LEAST_LIFETIME_MS })
}

/** A server, asked over the connections of the gateway; a redirect is not followed. */
export function keySetServer(transport: Transport, url: URL): KeySetSource {
  const request = {
    method: 'GET',
    path: `${url.pathname}${url.search}`,
    headers: ['accept', 'application/json, application/jwk-set+json', 'user-agent', 'ferro-gateway'],
    body: null,
  }
  return async () => {
    const { status, headers, body } = await new Promise<Reply>((resolve, reject) => {
      const onReply = (reply: Reply | Error) => (reply instanceof Error ? reject(reply) : resolve(reply))
      ask(transport, request, { timeoutMs: TIMEOUT_MS, maxBodyBytes: MAX_BYTES, onReply })
    })
    if (status !== 200) throw new Error(`the server of the key set answered ${status}`)
    return { text: body.toString('utf8'), lifetimeMs: lifetimeOf(headers) }
  }
}

/** Milliseconds that an answer stays fresh (RFC 9111, 5.2.2 and 4.2.3), between a minute and a day. */
export function lifetimeOf(headers: AnswerHeaders): number {
  const control = [headers['cache-control'] ?? []].flat().join(',').toLowerCase()
  if (/(?:^|[,\s])no-(?:store|cache)(?:[,\s=]|$)/.test(control)) return LEAST_LIFETIME_MS
  const maxAge = /(?:^|[,\s])max-age="?(\d{1,10})/.exec(control)?.[1]
  if (maxAge === undefined) return USUAL_LIFETIME_MS
  const age = /^\d{1,10}$/.exec([headers['age'] ?? []].flat()[0] ?? '')?.[0] ?? '0'
  const lifetimeMs = (Number(maxAge) - Number(age)) * 1_000
  return Math.min(LONGEST_LIFETIME_MS, Math.max(LEAST_LIFETIME_MS, lifetimeMs))
}

function checked(bytes: Buffer): Buffer {
  if (bytes.length > MAX_BYTES) throw new Error(`the key set is over ${MAX_BYTES} bytes`)
  return bytes
}
