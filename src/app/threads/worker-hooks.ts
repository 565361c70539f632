import { countedTraffic, modelTraffic, type SurfaceHooks, type Tokenizer } from '../../ai/index.ts'
import type { RouteConfig } from '../../config/index.ts'
import type { Route } from '../../core/index.ts'
import {
  type Accounts,
  type CounterDesk,
  createGiveWay,
  createIdentify,
  createJoin,
  createPolicyGate,
  createRateCheck,
  createReserve,
  createScopeCheck,
  createSettlement,
  type KeyTable,
  levelCheck,
  limitsLeft,
  type Policies,
  type PrincipalSource,
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
  /** Counts the tokens of what bytes alone would refuse. */
  readonly tokenizer: Tokenizer
  /** `SharedMemory.process`. */
  readonly process: Int32Array
}

/** What governance does with the requests of one worker. */
export interface WorkerHooks {
  /** Of a plan with these policies (null: none) and those who know other credentials than keys. */
  readonly surfaces: (policies: Policies | null, others: readonly PrincipalSource[]) => SurfaceHooks
  /** Of routes of the configuration, by what they record. */
  readonly settleRoute: Readonly<Record<RouteConfig['record'], Route['settle']>>
}

/** Makes the hooks of a worker: who calls, what it may, what it costs, and where the request is written down. */
export function createWorkerHooks(options: WorkerHooksOptions): WorkerHooks {
  const { sinks, keys, desk, values, onWarning, journal, tokenizer, process } = options
  const accepting = () => journal.healthy && Atomics.load(process, PROCESS_CELL.journalFull) === 0
  const settleChat = [createSettlement(sinks, modelTraffic)]
  const settlePlain = [createSettlement(sinks, null)]
  const rate = createRateCheck(desk)
  const reserve = createReserve({ desk, values, onWarning, journal, port: countedTraffic(tokenizer), accepting })
  const giveWay = createGiveWay(modelTraffic)
  const join = createJoin()
  const admit = (scope: string, policies: Policies | null) => [
    levelCheck,
    createScopeCheck(scope),
    ...(policies === null ? [] : [createPolicyGate(policies)]),
    rate,
  ]
  return {
    surfaces: (policies, others) => ({
      conversation: (scope: string) => ({
        identify: createIdentify(keys, { query: true, others }),
        admit: admit(scope, policies),
        reserve,
        giveWay,
        join,
        settle: settleChat,
      }),
      models: {
        identify: createIdentify(keys, { query: true, others }),
        admit: admit('models.read', policies),
        settle: settlePlain,
      },
      unmatched: { settle: settlePlain },
      limitsLeft: (x) => limitsLeft(x, desk),
    }),
    settleRoute: {
      all: [createSettlement(sinks, null, { record: 'all', access: 'edge' })],
      errors: [createSettlement(sinks, null, { record: 'errors', access: 'edge' })],
      none: [createSettlement(sinks, null, { record: 'none', access: 'edge' })],
    },
  }
}
