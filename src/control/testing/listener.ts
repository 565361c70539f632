import type { TestContext } from 'node:test'
import { type ControlServerOptions, createControlServer } from '../server.ts'
import { ADMIN_TOKEN, FakeProcess } from './fake-process.ts'

/** A control listener for one test, with the process behind it. */
export interface TestListener {
  readonly process: FakeProcess
  readonly url: string
  readonly port: number
  /** Errors that it took for faults. */
  readonly faults: unknown[]
  /** Sends a request with the admin token (or another, or none) and reads the whole answer. */
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<TestAnswer>
}

export interface CallOptions {
  /** Becomes JSON, unless it is a text. */
  readonly body?: unknown
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer; `json` is undefined when the body is none. */
export interface TestAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
  /** `error.code` and `error.param` of the body, for answers that are errors. */
  readonly code: unknown
  readonly param: unknown
}

/** Starts a control listener on a free port of loopback; it is closed after the test. */
export async function startListener(
  t: TestContext,
  options: Partial<ControlServerOptions> = {},
): Promise<TestListener> {
  const faults: unknown[] = []
  const process = new FakeProcess()
  const defaults = { host: '127.0.0.1', port: 0, public: false, onFault: (error: unknown) => faults.push(error) }
  const server = createControlServer(process, { ...defaults, ...options })
  const port = await server.listen()
  t.after(() => server.close())
  const url = `http://127.0.0.1:${port}`
  return { process, url, port, faults, call: (method, path, call) => send(`${url}${path}`, method, call) }
}

async function send(url: string, method: string, options: CallOptions = {}): Promise<TestAnswer> {
  const { body, token = ADMIN_TOKEN, headers = {} } = options
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(text === undefined ? {} : { body: text }),
  })
  const answer = await response.text()
  const isJson = response.headers.get('content-type') === 'application/json' && answer !== ''
  const json: unknown = isJson ? JSON.parse(answer) : undefined
  const error = member(json, 'error')
  const said = { code: member(error, 'code'), param: member(error, 'param') }
  return { status: response.status, headers: response.headers, text: answer, json, ...said }
}

/** A member of a JSON value, undefined when there is none. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined
}
