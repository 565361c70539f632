import type { ApiError } from './api-error.ts'

/** One thing that happens to an answer's body, in order. The end of the list is the proper end of the answer. */
export type Step =
  /** These bytes, after so long. */
  | { readonly kind: 'data'; readonly delayMs: number; readonly data: string }
  /** Nothing more, ever. */
  | { readonly kind: 'hang' }
  /** The connection breaks. */
  | { readonly kind: 'cut' }

/** What an exchange with the demo provider is going to do, from its head to its end. */
export interface Script {
  /** `answer` begins with a head; the others never get that far. */
  readonly kind: 'answer' | 'hang' | 'reset'
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Time before the head. */
  readonly delayMs: number
  readonly steps: Iterator<Step>
}

/** An answer that is complete before it is sent. */
export function jsonScript(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Script {
  return wholeScript(status, JSON.stringify(value), headers)
}

/** The same for a text that need not be valid JSON. `bodySteps` may be cut short by the caller's own steps. */
export function wholeScript(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Script {
  return {
    kind: 'answer',
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    },
    delayMs: 0,
    steps: [{ kind: 'data', delayMs: 0, data: body } as const].values(),
  }
}

/** An answer that is an error. */
export function errorScript(error: ApiError): Script {
  const body = { error: { message: error.message, type: error.type, param: error.param, code: error.code } }
  return jsonScript(error.status, body, error.headers)
}

/** Nothing ever comes back, or the connection breaks before anything does. */
export function silentScript(kind: 'hang' | 'reset'): Script {
  const none: Step[] = []
  return { kind, status: 0, headers: {}, delayMs: 0, steps: none.values() }
}
