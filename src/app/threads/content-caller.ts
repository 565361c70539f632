import type { MessagePort } from 'node:worker_threads'
import type { ContentPort, KeepingLimits, KeptContent } from '../../storage/index.ts'
import type { ContentAnswer, ContentCall } from '../messages.ts'

/** A store that says nothing for so long is not there: a client waits. */
const ANSWER_MS = 5_000

interface Waiting {
  readonly resolve: (value: readonly string[] | boolean | null) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** The store of content from a data worker: calls go through the port that also wakes the writer thread. */
export class ContentCaller implements ContentPort {
  readonly #waiting = new Map<number, Waiting>()
  #port: MessagePort | null = null
  #last = 0

  /** The writer thread may be another one later; calls to the one before are not answered any more. */
  connect(port: MessagePort): void {
    this.#port = port
    for (const call of [...this.#waiting.keys()]) this.#end(call)?.reject(new Error('the writer thread has ended'))
    port.on('message', (message: ContentAnswer) => {
      const waiting = this.#end(message.call)
      if ('error' in message) waiting?.reject(new Error(message.error))
      else waiting?.resolve(message.value)
    })
  }

  keep(tenant: string, content: KeptContent, limits: KeepingLimits): void {
    this.#port?.postMessage({ method: 'keep', tenant, content, limits } satisfies ContentCall)
  }

  async chain(tenant: string, id: string): Promise<readonly string[] | null> {
    const value = await this.#ask((call) => ({ method: 'chain', call, tenant, id }))
    return typeof value === 'boolean' ? null : value
  }

  async holders(tenant: string, items: readonly string[]): Promise<readonly string[]> {
    const value = await this.#ask((call) => ({ method: 'holders', call, tenant, items }))
    return typeof value === 'boolean' ? [] : (value ?? [])
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    return (await this.#ask((call) => ({ method: 'remove', call, tenant, id }))) === true
  }

  #ask(make: (call: number) => ContentCall): Promise<readonly string[] | boolean | null> {
    return new Promise((resolve, reject) => {
      const call = ++this.#last
      const late = () => this.#end(call)?.reject(new Error('the store of content does not answer'))
      this.#waiting.set(call, { resolve, reject, timer: setTimeout(late, ANSWER_MS) })
      this.#port?.postMessage(make(call))
    })
  }

  #end(call: number): Waiting | undefined {
    const waiting = this.#waiting.get(call)
    this.#waiting.delete(call)
    clearTimeout(waiting?.timer)
    return waiting
  }
}
