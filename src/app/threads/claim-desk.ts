import type { MessagePort } from 'node:worker_threads'
import type { LedgerWriter } from '../../storage/index.ts'
import type { ClaimCall, StoreAnswer } from '../messages.ts'

/** Answers a data worker's call about claims of usage. */
export function serveClaim(writer: LedgerWriter, message: ClaimCall, port: MessagePort): void {
  try {
    if (message.method === 'told') return writer.usageTold(message.thing, message.requestId)
    const value = writer.claimUsage(message.thing, message.requestId, Date.now())
    port.postMessage({ call: message.call, value } satisfies StoreAnswer)
  } catch (error) {
    // What was told stands in the ledger, where the next claim finds it; who asks hears that nobody may look now.
    if (message.method === 'told') return
    const said = error instanceof Error ? error.message : String(error)
    port.postMessage({ call: message.call, error: said } satisfies StoreAnswer)
  }
}
