import type { RefreshNews } from '../../core/index.ts'
import type { FromWorker } from '../messages.ts'

/** What the operational log says of the addresses of a name behind a pool. */
export function refreshLog(pool: string, { target, addresses, error, without }: RefreshNews): FromWorker {
  if (error !== null) {
    const message = "the addresses of a pool's server could not be told; the last ones stay"
    return { type: 'log', level: 'warn', message, fields: { pool, target, addresses, reason: error.message } }
  }
  if (without.length > 0) {
    const message = "a pool's server has more addresses than can be used at a time; some get no requests"
    return { type: 'log', level: 'warn', message, fields: { pool, target, addresses, without } }
  }
  return {
    type: 'log',
    level: 'info',
    message: "the addresses of a pool's server",
    fields: { pool, target, addresses },
  }
}
