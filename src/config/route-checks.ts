/** Checks between routes, pools and listeners: dangling names, duplicates, addresses that collide. */
import type { Finding } from './checks.ts'
import { parseListen } from './schema/listen.ts'
import { suggest } from './suggest.ts'
import { at, entriesOf, error, itemsOf, keysOf, text } from './value.ts'

/** Everything that is wrong between the parts that HTTP routes are made of. */
export function checkRoutes(value: unknown): Finding[] {
  const pools = keysOf(at(value, 'upstreams'))
  const listeners = ['main', ...keysOf(at(value, 'listeners'))]
  const owner = new Map<string, number>()
  return [
    ...checkListenerAddresses(value),
    ...entriesOf(at(value, 'listeners')).flatMap(([name, listener]) => checkTls(name, listener)),
    ...entriesOf(at(value, 'upstreams')).flatMap(([name, pool]) => checkPool(['upstreams', name], pool)),
    ...itemsOf(at(value, 'routes')).flatMap((route, index) => {
      const path = ['routes', index]
      const id = text(at(route, 'id'))
      const taken = id === null ? undefined : owner.get(id)
      if (id !== null && taken === undefined) owner.set(id, index)
      return [
        ...(taken === undefined ? [] : [error([...path, 'id'], `routes[${taken}] is called \`${id}\` already`)]),
        ...checkUpstream(route, path, pools),
        ...checkUpgrade(route, path, value),
        ...checkMatchListeners(route, path, listeners),
        ...checkCertificate(route, path, value),
        ...checkUse(route, path),
        ...checkOwnPaths(route, path),
      ]
    }),
  ]
}

function checkUpstream(route: unknown, path: readonly (string | number)[], pools: readonly string[]): Finding[] {
  const pool = text(at(route, 'upstream'))
  if (pool === null || pools.includes(pool)) return []
  const message = `there is no pool \`${pool}\` in \`upstreams\``
  return [error([...path, 'upstream'], message, { suggestion: suggest(pool, pools) })]
}

/** HTTP/2 has no upgrade. */
function checkUpgrade(route: unknown, path: readonly (string | number)[], value: unknown): Finding[] {
  const pool = text(at(route, 'upstream'))
  if (pool === null || itemsOf(at(route, 'upgrade')).length === 0) return []
  if (at(at(at(value, 'upstreams'), pool), 'http') !== '2') return []
  return [error([...path, 'upgrade'], `an upgrade needs a pool that speaks HTTP/1.1; \`${pool}\` speaks HTTP/2`)]
}

function checkMatchListeners(route: unknown, path: readonly (string | number)[], known: readonly string[]): Finding[] {
  const named = at(at(route, 'match'), 'listener')
  const list = Array.isArray(named) ? named.map((name, index) => [name, index] as const) : [[named, null] as const]
  return list.flatMap(([given, index]) => {
    const name = text(given)
    if (name === null || known.includes(name)) return []
    const where = [...path, 'match', 'listener', ...(index === null ? [] : [index])]
    return [error(where, `there is no listener \`${name}\``, { suggestion: suggest(name, known) })]
  })
}

/** Where no listener asks for certificates no client has one. */
function checkCertificate(route: unknown, path: readonly (string | number)[], value: unknown): Finding[] {
  const asked = at(at(route, 'match'), 'client_certificate')
  const places = [
    ...(asked === undefined || asked === false ? [] : [['match', 'client_certificate']]),
    ...(at(at(route, 'auth'), 'certificate') === undefined ? [] : [['auth', 'certificate']]),
  ]
  const named = at(at(route, 'match'), 'listener')
  const listeners = named === undefined ? keysOf(at(value, 'listeners')) : Array.isArray(named) ? named : [named]
  const asks = listeners.some((name) => {
    const mode = at(at(at(at(value, 'listeners'), String(name)), 'tls'), 'client_certificate')
    return mode === 'request' || mode === 'require'
  })
  if (asks) return []
  const message = 'no listener of this route asks for certificates; set `tls.client_certificate` and `client_ca` of one'
  return places.map((place) => error([...path, ...place], message, { of: 'key' }))
}

/** Settings that have no effect are mistakes: a person believes that something is in force. */
function checkUse(route: unknown, path: readonly (string | number)[]): Finding[] {
  if (at(route, 'upstream') !== undefined) return []
  const proxyOnly = ['upgrade', 'upgrade_origins', 'retry', 'breaker', 'timeouts', 'request_headers'] as const
  const misplaced = [
    ...proxyOnly.map((name) => [name]),
    ...(['query', 'location', 'cookie_path'] as const).map((name) => ['rewrite', name]),
  ]
  return misplaced
    .filter((keys) => keys.reduce(at, route) !== undefined)
    .map((keys) => error([...path, ...keys], `\`${keys.at(-1)}\` is for routes with an \`upstream\``, { of: 'key' }))
}

/** Paths at which the gateway says how it is. */
const OWN_PATHS = ['/healthz', '/livez', '/readyz']

function checkOwnPaths(route: unknown, path: readonly (string | number)[]): Finding[] {
  const named = at(at(route, 'match'), 'path')
  return (Array.isArray(named) ? named : [named]).flatMap((given) => {
    const exact = text(given) ?? text(at(given, 'exact'))
    if (exact === null || !OWN_PATHS.includes(exact)) return []
    const message = `${exact} is the gateway's own; this route takes it from the data listeners, the control listener keeps it`
    return [{ ...error([...path, 'match', 'path'], message), severity: 'warning' as const }]
  })
}

function checkTls(name: string, listener: unknown): Finding[] {
  const tls = at(listener, 'tls')
  const certificate = text(at(tls, 'client_certificate')) ?? 'ignore'
  if (certificate === 'ignore' || at(tls, 'client_ca') !== undefined) return []
  const path = ['listeners', name, 'tls', 'client_certificate']
  return [error(path, `\`${certificate}\` needs \`client_ca\`: whose certificates are accepted`)]
}

function checkPool(path: readonly (string | number)[], pool: unknown): Finding[] {
  const tls = at(pool, 'tls')
  const [cert, key] = [at(tls, 'cert') !== undefined, at(tls, 'key') !== undefined]
  const alone = cert === key ? null : cert ? (['cert', 'key'] as const) : (['key', 'cert'] as const)
  const first = new Map<string, number>()
  return [
    ...(alone === null ? [] : [error([...path, 'tls', alone[0]], `\`${alone[0]}\` needs \`${alone[1]}\` beside it`)]),
    ...itemsOf(at(pool, 'targets')).flatMap((target, index) => {
      const url = text(target) ?? text(at(target, 'url'))
      const origin = url === null ? null : originOf(url)
      if (origin === null) return []
      const taken = first.get(origin)
      if (taken === undefined) {
        first.set(origin, index)
        return []
      }
      const place = [...path, 'targets', index, ...(typeof target === 'string' ? [] : ['url'])]
      return [error(place, `the same server as targets[${taken}]; give that one a \`weight\` instead`)]
    }),
  ]
}

/** A server is known by its origin: two spellings of one would share what is known of it. */
function originOf(url: string): string | null {
  return url.startsWith('unix:') ? url : (URL.parse(url)?.origin ?? null)
}

function checkListenerAddresses(value: unknown): Finding[] {
  const control = text(at(at(value, 'control'), 'listen')) ?? '127.0.0.1:8081'
  const taken = new Map<string, string>([[control, 'the control listener']])
  if (at(at(value, 'listeners'), 'main') === undefined) {
    taken.set(text(at(value, 'listen')) ?? '127.0.0.1:8080', '`listen`')
  }
  return entriesOf(at(value, 'listeners')).flatMap(([name, listener]) => {
    const address = text(at(listener, 'listen'))
    if (address === null || parseListen(address)?.port === 0) return []
    const holder = taken.get(address)
    if (holder === undefined) {
      taken.set(address, `\`listeners.${name}\``)
      return []
    }
    return [error(['listeners', name, 'listen'], `${address} is the address of ${holder} already`)]
  })
}
