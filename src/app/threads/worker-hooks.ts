import { modelTraffic, type SurfaceHooks } from '../../ai/index.ts'
import type { RouteConfig } from '../../config/index.ts'
import type { Route } from '../../core/index.ts'
import {
  type Accounts,
  type CounterDesk,
  createGiveWay,
  createIdentify,
  createJoin,
  createRateCheck,
  createReserve,
  createScopeCheck,
  createSettlement,
  type KeyTable,
  levelCheck,
  limitsLeft,
  type Sinks,
  type ValueSource,
} from '../../governance/index.ts'
import type { JournalAppender } from '../../storage/index.ts'
import { PROCESS_CELL } from '../memory.ts'

export interface WorkerHooksOptions {
  readonly sinks: Sinks
  readonly keys: KeyTable
  readonly desk: CounterDesk
  readonly values: ValueSource
  readonly onWarning: NonNullable<Accounts['onWarning']>
  readonly journal: JournalAppender
  /** `SharedMemory.process`. */
  readonly process: Int32Array
}

/** What governance does with the requests of one worker; the same in every plan. */
export interface WorkerHooks {
  readonly surfaces: SurfaceHooks
  /** Of routes of the configuration, by what they record. */
  readonly settleRoute: Readonly<Record<RouteConfig['record'], Route['settle']>>
}

/** Makes the hooks of a worker: who calls, what it may, what it costs, and where the request is written down. */
export function createWorkerHooks(options: WorkerHooksOptions): WorkerHooks {
  const { sinks, keys, desk, values, onWarning, journal, process } = options
  const accepting = () => journal.healthy && Atomics.load(process, PROCESS_CELL.journalFull) === 0
  const settleChat = [createSettlement(sinks, modelTraffic)]
  const settlePlain = [createSettlement(sinks, null)]
  const identify = createIdentify(keys, { query: true })
  const rate = createRateCheck(desk)
  const reserve = createReserve({ desk, values, onWarning, journal, port: modelTraffic, accepting })
  const giveWay = createGiveWay(modelTraffic)
  const join = createJoin()
  return {
    surfaces: {
      conversation: (scope: string) => ({
        identify,
        admit: [levelCheck, createScopeCheck(scope), rate],
        reserve,
        giveWay,
        join,
        settle: settleChat,
      }),
      models: { identify, admit: [levelCheck, createScopeCheck('models.read'), rate], settle: settlePlain },
      unmatched: { settle: settlePlain },
      limitsLeft: (x) => limitsLeft(x, desk),
    },
    settleRoute: {
      all: [createSettlement(sinks, null, { record: 'all', access: 'edge' })],
      errors: [createSettlement(sinks, null, { record: 'errors', access: 'edge' })],
      none: [createSettlement(sinks, null, { record: 'none', access: 'edge' })],
    },
  }
}
