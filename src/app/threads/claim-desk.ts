import type { MessagePort } from 'node:worker_threads'
import type { LedgerWriter } from '../../storage/index.ts'
import type { ClaimCall, StoreAnswer, ToWriter } from '../messages.ts'

const METHODS: ReadonlySet<string> = new Set(['claim', 'told', 'hold', 'free', 'await', 'due', 'giveUp'])

/** Whether a call is about claims. */
export function isClaim(message: Exclude<ToWriter, null>): message is ClaimCall {
  return METHODS.has(message.method)
}

/** Answers a data worker's call about claims of usage. */
export function serveClaim(writer: LedgerWriter, message: ClaimCall, port: MessagePort): void {
  try {
    if (message.method === 'hold') return writer.holdUsage(message.thing, message.requestId)
    if (message.method === 'await') return writer.awaitUsage(message.thing, message.times)
    if (message.method === 'giveUp') return writer.giveUpUsage(message.thing)
    if (message.method === 'due') {
      const value = writer.dueUsage(message.most, message.times)
      return port.postMessage({ call: message.call, value } satisfies StoreAnswer)
    }
    if (message.method === 'told') writer.usageTold(message.thing, message.requestId)
    if (message.method === 'claim') {
      const value = writer.claimUsage(message.thing, message.requestId, Date.now())
      port.postMessage({ call: message.call, value } satisfies StoreAnswer)
    }
    const released = writer.releaseUsage(message.thing, message.method === 'free')
    if (released !== null) port.postMessage({ released } satisfies StoreAnswer)
  } catch (error) {
    // What was told stands in the ledger, where the next claim finds it; who asks hears that nobody may look now.
    if (message.method !== 'claim' && message.method !== 'due') return
    const said = error instanceof Error ? error.message : String(error)
    port.postMessage({ call: message.call, error: said } satisfies StoreAnswer)
  }
}
