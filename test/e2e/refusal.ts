import type { House } from './house.ts'
import { assertRefusedCleanly } from './house.ts'

export const CHAT_BODY = JSON.stringify({ model: 'ok', messages: [{ role: 'user', content: 'a b c' }] })

/** A body in one chunk. */
export function chunkedOf(body: string): string {
  return `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
}

/** Exact bytes of a request for a chat; `line` and `lines` replace the request line and what stands in the head. */
export interface ChatBytes {
  readonly line?: string
  /** Header lines beside Content-Type and the credential. */
  readonly lines?: readonly string[]
  readonly body?: string
  readonly key: string | null
}

export function chatBytesOf({ line, lines = [], body = '', key }: ChatBytes): string {
  const credential = key === null ? [] : [`Authorization: Bearer ${key}`]
  const head = [line ?? 'POST /v1/chat/completions HTTP/1.1', 'Content-Type: application/json', ...credential, ...lines]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** How an expectation differs from a 400 of a request for a chat. */
export interface RefusalOptions {
  readonly line?: string
  readonly body?: string
  readonly statuses?: readonly number[]
}

/** Asserts that these lines, Host among them, are refused cleanly, with a credential and without one. */
export async function assertHeadRefused(house: House, lines: readonly string[], options: RefusalOptions = {}) {
  const { statuses = [400], ...parts } = options
  for (const key of [house.key.secret, null]) {
    await assertRefusedCleanly(house, chatBytesOf({ ...parts, lines, key }), { statuses })
  }
}

/** The same with a Host, and with what frames the body among the lines. */
export async function assertFramingRefused(house: House, lines: readonly string[], options: RefusalOptions = {}) {
  await assertHeadRefused(house, ['Host: gateway', ...lines], options)
}
