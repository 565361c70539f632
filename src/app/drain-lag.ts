import { type ConfigDocument, isLoopback } from '../config/index.ts'
import { listenersOf } from './listeners.ts'

/** So long load balancers may take to see that a gateway is not ready. */
const AUTO_LAG_MS = 5_000

/** How long a gateway that ends still takes requests, so that nobody is sent to a closed door; none where all are neighbours. */
export function drainLagMs(document: ConfigDocument): number {
  const { lag } = document.drain
  if (lag !== 'auto') return lag
  return listenersOf(document).every(({ config }) => isLoopback(config.listen.host)) ? 0 : AUTO_LAG_MS
}
