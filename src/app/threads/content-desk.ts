import { setTimeout as delay } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import { type ContentStore, type LedgerWriterOptions, openContentStore } from '../../storage/index.ts'
import type { ContentCall, StoreAnswer } from '../messages.ts'

/**
 * A client may ask another worker at once for what one has just kept for it: that message is here already, at a port whose turn
 * is later.
 */
const SECOND_LOOK_MS = 10

/** The store of content as data workers call it: opened at the first call, since most gateways never need it. */
export class ContentDesk {
  readonly #options: LedgerWriterOptions
  #store: Promise<ContentStore> | null = null

  constructor(options: LedgerWriterOptions) {
    this.#options = options
  }

  async serve(message: ContentCall, port: MessagePort): Promise<void> {
    try {
      const store = await this.#opened()
      if (message.method === 'keep') store.keep(message.tenant, message.content, message.limits)
      else {
        let value = answerOf(store, message)
        if (isNothing(value)) {
          await delay(SECOND_LOOK_MS)
          value = answerOf(store, message)
        }
        port.postMessage({ call: message.call, value } satisfies StoreAnswer)
      }
    } catch (error) {
      // What is not kept is not found later; a client that asks hears it.
      if (message.method === 'keep') return
      const said = error instanceof Error ? error.message : String(error)
      port.postMessage({ call: message.call, error: said } satisfies StoreAnswer)
    }
  }

  close(): void {
    this.#store?.then(
      (store) => store.close(),
      () => undefined,
    )
  }

  async #opened(): Promise<ContentStore> {
    this.#store ??= openContentStore(this.#options, process.env)
    try {
      return await this.#store
    } catch (error) {
      // The next call tries again: a full disk may have room by then.
      this.#store = null
      throw error
    }
  }
}

function answerOf(store: ContentStore, message: Exclude<ContentCall, { method: 'keep' }>) {
  switch (message.method) {
    case 'chain':
      return store.chain(message.tenant, message.id)
    case 'holders':
      return store.holders(message.tenant, message.items)
    case 'under':
      return store.under(message.tenant, message.parent)
    case 'remove':
      return store.remove(message.tenant, message.id)
  }
}

function isNothing(value: ReturnType<typeof answerOf>): boolean {
  return value === null || value === false || (Array.isArray(value) && value.length === 0)
}
