import type { RouteConfig } from '../../config/index.ts'
import type { Exchange } from '../exchange.ts'
import { compileOrigins, originOf } from '../serve/cors.ts'

/** Stands for the host that the request names. */
const SAME = 'same'

/** Whether the page that a request comes from may switch protocols. */
export type UpgradeOrigins = (x: Exchange) => boolean

/**
 * Which pages may open a connection of another protocol; null: all. A browser asks nobody before it opens a WebSocket, sends the
 * cookies of the site along, and lets the page read what comes: who does not look at `Origin` lets every page act as its visitors.
 * What is no browser sends none, and is not asked for it. Throws a RangeError for what is no origin.
 */
export function compileUpgradeOrigins({
  upgrade_origins: named,
  cors,
}: Pick<RouteConfig, 'upgrade_origins' | 'cors'>): UpgradeOrigins | null {
  const origins = named ?? (cors === undefined ? ['*'] : [...cors.origins, SAME])
  if (origins.includes('*')) return null
  const allows = compileOrigins(origins.filter((origin) => origin !== SAME))
  const takesSame = origins.includes(SAME)
  return (x) => {
    if (!x.head.names.includes('origin')) return true
    const origin = originOf(x.head)
    return origin !== null && (allows(origin) || (takesSame && isSame(origin, x)))
  }
}

/** By host and port alone: in front of a proxy that speaks TLS the scheme may be another. */
function isSame(origin: string, x: Exchange): boolean {
  const page = URL.parse(origin)
  const host = x.origin?.host ?? x.head.host
  if (page === null || page.host === '' || host === null) return false
  return URL.parse(`${page.protocol}//${host}`)?.host === page.host
}
