import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from './failure.ts'
import type { RunningInstance } from './instance.ts'

const TIMEOUT_MS = 10_000
const PROBE_TIMEOUT_MS = 2_000

/** The admin API of a running gateway. Methods throw Failure for what a person can mend. */
export class AdminClient {
  readonly #base: string
  readonly #token: string

  private constructor(base: string, token: string) {
    this.#base = base
    this.#token = token
  }

  /** Null when the control listener does not answer. */
  static async reach({ control }: RunningInstance, dataDir: string): Promise<AdminClient | null> {
    const base = control.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
    // Any failure means the same here: nobody who could be asked.
    const answer = await fetch(`${base}/livez`, { signal, redirect: 'error' }).catch(() => null)
    await answer?.arrayBuffer()
    return answer?.status === 200 ? new AdminClient(base, readToken(dataDir)) : null
  }

  /** The answer's members; of an answer with the status `absent` there are none. */
  async call(
    method: string,
    path: string,
    { body, absent }: { readonly body?: object | undefined; readonly absent?: number } = {},
  ): Promise<Record<string, unknown>> {
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
