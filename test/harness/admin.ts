import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Gateway } from './gateway.ts'
import { isObject, type JsonObject, parseJson } from './json.ts'

/** An answer of the admin API. */
export interface AdminAnswer {
  readonly status: number
  readonly json: JsonObject
  /** Code of an error; undefined without one. */
  readonly code: unknown
  readonly requestId: string | null
}

export type AskAdmin = (method: string, path: string, body?: unknown) => Promise<AdminAnswer>

/** Asks the admin API of a gateway, paths below `/admin/v1/`; with its own admin token unless another is given. */
export function adminOf(gateway: Pick<Gateway, 'controlUrl' | 'dataDir'>, token?: string): AskAdmin {
  return async (method, path, body) => {
    const secret = token ?? readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()
    const answer = await fetch(`${gateway.controlUrl}/admin/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        connection: 'close',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const value = parseJson(await answer.text())
    const json = isObject(value) ? value : {}
    const code = isObject(json['error']) ? json['error']['code'] : undefined
    return { status: answer.status, json, code, requestId: answer.headers.get('x-request-id') }
  }
}
