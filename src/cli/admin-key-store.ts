import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyAnswer } from '../control/index.ts'
import { Failure } from './failure.ts'
import type { RunningInstance } from './instance.ts'
import type { KeyStore } from './key-store.ts'

const TIMEOUT_MS = 10_000
const PROBE_TIMEOUT_MS = 2_000
const KEYS_PATH = '/admin/v1/api-keys'

/** Keys through the admin API of a running gateway. */
export class AdminKeyStore implements KeyStore {
  readonly live = true
  readonly #base: string
  readonly #token: string

  private constructor(base: string, token: string) {
    this.#base = base
    this.#token = token
  }

  /** The keys of a running gateway, or null when its control listener does not answer. */
  static async reach({ control }: RunningInstance, dataDir: string): Promise<AdminKeyStore | null> {
    const base = control.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
    // Any failure means the same here: nobody who could be asked.
    const answer = await fetch(`${base}/livez`, { signal, redirect: 'error' }).catch(() => null)
    await answer?.arrayBuffer()
    return answer?.status === 200 ? new AdminKeyStore(base, readToken(dataDir)) : null
  }

  async list(): Promise<readonly KeyAnswer[]> {
    const keys: KeyAnswer[] = []
    for (let cursor = ''; ; ) {
      const page = await this.#call('GET', `${KEYS_PATH}?limit=1000${cursor}`)
      keys.push(...(page['data'] as readonly KeyAnswer[])) // control/api-keys.ts answers with it
      const next = page['next_cursor']
      if (typeof next !== 'string') return keys
      cursor = `&cursor=${encodeURIComponent(next)}`
    }
  }

  async create(request: object): Promise<{ key: KeyAnswer; secret: string }> {
    return (await this.#call('POST', KEYS_PATH, request)) as { key: KeyAnswer; secret: string } // as above
  }

  async revoke(id: string): Promise<{ key: KeyAnswer; warning: string | null } | null> {
    const path = `${KEYS_PATH}/${encodeURIComponent(id)}`
    const { key, warning } = await this.#call('DELETE', path, undefined, 404)
    if (key === undefined) return null
    return { key: key as KeyAnswer, warning: typeof warning === 'string' ? warning : null } // as above
  }

  async rotate(id: string, request: object): Promise<{ key: KeyAnswer; secret: string } | null> {
    const answer = await this.#call('POST', `${KEYS_PATH}/${encodeURIComponent(id)}/rotate`, request, 404)
    return answer['key'] === undefined ? null : (answer as unknown as { key: KeyAnswer; secret: string }) // as above
  }

  close(): void {
    // Nothing is held between calls.
  }

  /** The answer's members; of an answer with the status `absent` there are none. */
  async #call(method: string, path: string, body?: object, absent?: number): Promise<Record<string, unknown>> {
    const response = await fetch(this.#base + path, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Failure(`the gateway's control listener ${this.#base} did not answer; is it being stopped?`, { cause })
    })
    const answer = members(await response.json().catch(() => null))
    if (response.ok) return answer
    if (response.status === absent) return {}
    const { message } = members(answer['error'])
    const reason = typeof message === 'string' ? message : `it answered with status ${response.status}`
    throw new Failure(`the gateway at ${this.#base} refused: ${reason}`)
  }
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function readToken(dataDir: string): string {
  const file = join(dataDir, 'admin-token')
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new Failure(`${file} cannot be read; run this as the user that the gateway runs as`, { cause })
  }
}
