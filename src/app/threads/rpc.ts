import type { MessagePort, Worker } from 'node:worker_threads'

/** Calls that a thread answers, by name. */
export type Handlers = Readonly<Record<string, (...args: never[]) => unknown>>

interface Call {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

type Reply = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: PlainError }

interface PlainError {
  readonly message: string
  readonly code: string
}

/** Answers calls that arrive at this thread's port. */
export function serveCalls(port: MessagePort, handlers: Handlers): void {
  port.on('message', (call: Call) => {
    void answer(port, handlers, call)
  })
}

async function answer(port: MessagePort, handlers: Handlers, call: Call): Promise<void> {
  try {
    const handler = handlers[call.method]
    if (handler === undefined) throw new Error(`there is no call "${call.method}"`)
    const value = await handler(...(call.args as never[])) // checked on the calling side, where the types are
    port.postMessage({ id: call.id, value } satisfies Reply)
  } catch (error) {
    port.postMessage({ id: call.id, error: plain(error) } satisfies Reply)
  }
}

/** Calls into another thread. When the thread ends, every open call is rejected. */
export class Caller {
  readonly #worker: Worker
  readonly #open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #next = 1
  #ended: Error | null = null

  constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (reply: Reply) => this.#settle(reply))
    worker.on('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', () => this.#end(new Error('the thread has ended')))
  }

  async call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    if (this.#ended !== null) throw this.#ended
    const id = this.#next++
    return await new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject })
      this.#worker.postMessage({ id, method, args } satisfies Call)
    })
  }

  #settle(reply: Reply): void {
    if (typeof reply.id !== 'number') return
    const waiting = this.#open.get(reply.id)
    if (waiting === undefined) return
    this.#open.delete(reply.id)
    if ('error' in reply) waiting.reject(Object.assign(new Error(reply.error.message), { code: reply.error.code }))
    else waiting.resolve(reply.value)
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const waiting of this.#open.values()) waiting.reject(this.#ended)
    this.#open.clear()
  }
}

function plain(error: unknown): PlainError {
  if (!(error instanceof Error)) return { message: String(error), code: '' }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return { message: error.message, code }
}
