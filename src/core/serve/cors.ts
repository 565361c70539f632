import type { RouteConfig } from '../../config/index.ts'
import type { RequestHead } from '../http1/request-head.ts'
import type { Gate, Route } from '../phases.ts'
import { addVary, removeHeaders } from './header-list.ts'
import { reply } from './reply.ts'

export type CorsConfig = NonNullable<RouteConfig['cors']>

export interface Cors {
  /** Answers preflights; asked before anybody is identified, for a preflight carries no credentials. */
  readonly gate: Gate
  /** Says in every answer, errors included, which page may read it. */
  readonly editAnswer: NonNullable<Route['editAnswer']>
}

/** What a server behind the gateway says itself; the route speaks in its place, since two of them count as none. */
const SPOKEN_FOR: ReadonlySet<string> = new Set([
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
])

/** Compiles the rules for cross-origin requests (the Fetch standard, 3.2). Throws a RangeError for what is no origin. */
export function createCors(config: CorsConfig): Cors {
  const allows = compileOrigins(config.origins)
  const anyone = config.origins.includes('*')
  if (anyone && config.credentials) throw new RangeError('credentials need origins by name, not "*"')
  const preflight: [string, string][] = [['access-control-allow-methods', config.methods.join(', ')]]
  if (config.headers.length > 0) preflight.push(['access-control-allow-headers', config.headers.join(', ')])
  preflight.push(['access-control-max-age', String(Math.floor(config.max_age / 1000))])
  const expose = config.expose.join(', ')

  const gate: Gate = (x) => {
    if (x.method !== 'OPTIONS' || x.head.get('access-control-request-method') === null) return null
    const origin = originOf(x.head)
    if (origin === null) return null
    const headers: string[] = []
    if (allows(origin)) headers.push(...preflight.flat())
    addVary(headers, 'access-control-request-method')
    addVary(headers, 'access-control-request-headers')
    reply(x, 204, headers, '')
    return null
  }

  const editAnswer: Cors['editAnswer'] = (x, _status, headers) => {
    removeHeaders(headers, SPOKEN_FOR)
    if (!anyone) addVary(headers, 'origin')
    const origin = originOf(x.head)
    if (origin === null || !allows(origin)) return
    headers.push('access-control-allow-origin', anyone ? '*' : origin)
    if (config.credentials) headers.push('access-control-allow-credentials', 'true')
    if (expose !== '' && x.method !== 'OPTIONS') headers.push('access-control-expose-headers', expose)
  }

  return { gate, editAnswer }
}

/** The page that asks; null without one, and for two of them, which no browser sends. */
export function originOf(head: RequestHead): string | null {
  const at = head.names.indexOf('origin')
  return at < 0 || head.names.indexOf('origin', at + 1) >= 0 ? null : (head.values[at] as string) // in range
}

const ORIGIN = /^([a-z][a-z0-9+.-]*:\/\/)(\*\.)?([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:\d{1,5})?$/
const LABELS = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.$/

/** Whether an origin is one of these; throws a RangeError for what is none. */
export function compileOrigins(origins: readonly string[]): (origin: string) => boolean {
  const exact = new Set<string>()
  const families: { scheme: string; end: string }[] = []
  for (const text of origins) {
    if (text === '*') return () => true
    const [, scheme, star, host, port = ''] = ORIGIN.exec(text) ?? []
    if (text !== 'null' && (scheme === undefined || host === undefined)) {
      throw new RangeError(`"${text}" is no origin; write scheme and host in lower case, as in https://app.example.com`)
    }
    if (star === undefined) exact.add(text)
    else families.push({ scheme: scheme ?? '', end: `${host}${port}` })
  }
  return (origin) =>
    exact.has(origin) ||
    families.some(
      ({ scheme, end }) =>
        origin.startsWith(scheme) &&
        origin.endsWith(end) &&
        LABELS.test(origin.slice(scheme.length, origin.length - end.length)),
    )
}
