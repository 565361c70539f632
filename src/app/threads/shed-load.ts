import type { ConfigDocument } from '../../config/index.ts'
import { type Gateway, LOAD_LEVELS, LoadShedder, LoadSignals, sheddingRules } from '../../core/index.ts'
import type { GatewayMetrics } from '../../observability/index.ts'
import type { FromWorker } from '../messages.ts'

export interface SheddingParts {
  readonly gateway: Gateway
  readonly metrics: GatewayMetrics
  readonly worker: number
  readonly overload: ConfigDocument['overload']
  readonly say: (message: FromWorker) => void
}

/** Starts to look at this thread's load, and lets the gateway refuse what is too much. */
export function shedLoad({ gateway, metrics, worker, overload, say }: SheddingParts): LoadSignals {
  const { strained, overloaded } = overload
  const shedder = new LoadShedder(
    sheddingRules({
      strained: { lagMs: strained.lag, heapShare: strained.heap },
      overloaded: { lagMs: overloaded.lag, heapShare: overloaded.heap },
    }),
  )
  const signals = new LoadSignals(shedder)
  signals.start(
    ({ lagMs, heapShare }) => {
      gateway.loadLevel = LOAD_LEVELS.indexOf(shedder.level)
      const fields = { level: shedder.level, lag_ms: Math.round(lagMs), heap_share: heapShare }
      say({ type: 'log', level: 'warn', message: 'the load of a data worker has changed', fields })
    },
    ({ lagMs }) => metrics.setLoad(worker, { lagMs, level: gateway.loadLevel }),
  )
  return signals
}
