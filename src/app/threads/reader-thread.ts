import { parentPort } from 'node:worker_threads'
import {
  type AdjustmentQuery,
  type AuditQuery,
  openLedgerReader,
  type RequestQuery,
  type UsageByQuery,
} from '../../storage/index.ts'
import type { DatabaseThreadStart } from '../messages.ts'
import { serveCalls } from './rpc.ts'

/** Runs the reader: lists and sums on a connection that cannot write. */
export async function runReader(start: DatabaseThreadStart): Promise<void> {
  const port = parentPort
  if (port === null) throw new Error('the reader runs in a thread of its own')
  const reader = await openLedgerReader({ dataDir: start.dataDir, databaseUrl: start.databaseUrl })
  serveCalls(port, {
    requests: (query: RequestQuery) => reader.requests(query),
    request: (id: string) => reader.request(id),
    lastUses: (keyIds: readonly string[]) => reader.lastUses(keyIds),
    usage: (...args: Parameters<typeof reader.usage>) => reader.usage(...args),
    usageBy: (query: UsageByQuery) => reader.usageBy(query),
    adjustments: (query: AdjustmentQuery) => reader.adjustments(query),
    audit: (query: AuditQuery) => reader.audit(query),
    close: () => {
      reader.close()
      setImmediate(() => port.close())
    },
  })
}
