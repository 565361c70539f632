import type { MessagePort } from 'node:worker_threads'
import type { LedgerWriter } from '../../storage/index.ts'
import type { ClaimCall, StoreAnswer, ToWriter } from '../messages.ts'

const METHODS: ReadonlySet<string> = new Set(['claim', 'told', 'hold', 'free', 'await', 'due', 'giveUp'])

/** Whether a call is about claims. */
export function isClaim(message: Exclude<ToWriter, null>): message is ClaimCall {
  return METHODS.has(message.method)
}

/** Answers a data worker's call about claims of usage. */
export function serveClaim({ usage }: LedgerWriter, message: ClaimCall, port: MessagePort): void {
  try {
    if (message.method === 'hold') return usage.hold(message.thing, message.requestId)
    if (message.method === 'await') return usage.await(message.thing, message.times)
    if (message.method === 'giveUp') return usage.giveUp(message.thing)
    if (message.method === 'due') {
      const value = usage.due(message.most, message.times)
      return port.postMessage({ call: message.call, value } satisfies StoreAnswer)
    }
    if (message.method === 'told') usage.told(message.thing, message.requestId)
    if (message.method === 'claim') {
      const value = usage.claim(message.thing, message.requestId, Date.now())
      port.postMessage({ call: message.call, value } satisfies StoreAnswer)
    }
    const released = usage.release(message.thing, message.method === 'free')
    if (released !== null) port.postMessage({ released } satisfies StoreAnswer)
  } catch (error) {
    // What was told stands in the ledger, where the next claim finds it; who asks hears that nobody may look now.
    if (message.method !== 'claim' && message.method !== 'due') return
    const said = error instanceof Error ? error.message : String(error)
    port.postMessage({ call: message.call, error: said } satisfies StoreAnswer)
  }
}
