import { readFileSync } from 'node:fs'
import { type MessagePort, parentPort } from 'node:worker_threads'
import {
  type KnownShares,
  type LeaseCall,
  type LeaseReply,
  loadLending,
  type SharedCounter,
} from '../../governance/index.ts'
import { monotonicUs } from '../../lib/index.ts'
import { openPeerBook } from '../../storage/index.ts'
import { NOT_READY, PROCESS_CELL } from '../memory.ts'
import type { ClusterNews, ClusterThreadStart } from '../messages.ts'
import { NoticesHeard } from './notices-heard.ts'
import { serveCalls } from './rpc.ts'

const TELL_EVERY_MS = 1_000

/**
 * Runs the thread that borrows from the shared counters: it alone speaks to their store, so that a long turn of a worker or of the
 * control thread never looks like the death of this replica.
 */
export async function runCluster(start: ClusterThreadStart): Promise<void> {
  const port = parentPort
  if (port === null) throw new Error('borrowing has a thread of its own')
  const { Lender, ClusterSession, CLUSTER_TIMES } = await loadLending()
  const cells = new Int32Array(start.process)
  const book = await openPeerBook(start.dataDir, start.cluster)
  const say = (news: ClusterNews) => port.postMessage(news)
  const notices = new NoticesHeard((text) => say({ kind: 'cluster-notice', text }))
  const lender = new Lender({
    cells: new BigInt64Array(start.counters),
    remembered: (key) => book.heldOf(key),
    patienceMs: CLUSTER_TIMES.patienceMs,
    onLost: (error) => session.fail(error),
  })
  const session = new ClusterSession({
    address: {
      url: start.url,
      password: start.password,
      ca: start.caFile === null ? null : readFileSync(start.caFile, 'utf8'),
    },
    cluster: start.cluster,
    replica: start.replica,
    name: start.name,
    process: start.incarnation,
    lender,
    book,
    onState: (state) => {
      const isOpen = state.state === 'open'
      Atomics.store(cells, PROCESS_CELL.clusterOpen, isOpen ? 1 : 0)
      if (isOpen) Atomics.and(cells, PROCESS_CELL.notReady, ~NOT_READY.counter_store)
      else Atomics.or(cells, PROCESS_CELL.notReady, NOT_READY.counter_store)
      say({ kind: 'cluster-state', state })
    },
    onValid: (untilMs) => {
      const leftMs = untilMs - performance.now()
      Atomics.store(cells, PROCESS_CELL.clusterUntilMs, Math.floor(monotonicUs() / 1_000 + leftMs) | 0)
    },
    onNotice: (number, text) => notices.hear(number, text),
    onChanges: (said, store) => notices.caughtUp(said, async () => await store.notices()),
  })
  const counting = setInterval(() => say({ kind: 'cluster-counts', counts: { ...lender.counts } }), TELL_EVERY_MS)
  serveCalls(port, {
    start: () => session.start(),
    attach: (worker: MessagePort) => {
      worker.on('message', ({ call, needs }: LeaseCall) => {
        void lender.admit(needs).then((answer) => worker.postMessage({ call, answer } satisfies LeaseReply))
      })
    },
    hearShares: (known: readonly KnownShares[]) => lender.hearShares(known),
    accounts: async (counters: readonly SharedCounter[]) => {
      if (session.store === null) throw new Error('there is no connection to the counter store')
      return await lender.accounts(session.store, counters)
    },
    learn: (counters: readonly SharedCounter[]) => lender.learn(counters),
    forget: async (names: readonly string[]) => await lender.forget(new Set(names)),
    tell: async (text: string) => {
      if (session.store === null) throw new Error('there is no connection to the counter store')
      await session.store.tell(text)
    },
    close: async () => {
      clearInterval(counting)
      await session.close()
      book.close()
      port.close()
    },
  })
}
