import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import type { Route } from '../phases.ts'
import type { MethodTable } from '../plan.ts'
import { originOf } from '../proxy/client-address.ts'
import { routeRequestOf } from './route-request.ts'
import type { RouteTable } from './route-table.ts'
import { hasEncodedSlash, hasMark } from './target.ts'

/**
 * Methods that no route of the configuration serves: CONNECT asks for a tunnel, whose bytes an upstream's kept connection
 * would take for requests; TRACE gives back what the way added, credentials included; PRI begins HTTP/2.
 */
const UNSERVED: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'PRI'])
/** Methods are case-sensitive (RFC 9110, 9.1), and not all servers know: `get` might be taken for GET behind the rules. */
const SPELLED: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', ...UNSERVED])
const SERVED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** Sets `x.route` (and `x.rest` for a prefix route), or says what is missing. */
export function match(x: Exchange): GatewayError | null {
  const { plan } = x
  if (plan.trust !== undefined && plan.trust !== null) {
    const peer = { address: x.client.address ?? '', scheme: x.client.scheme }
    x.origin = originOf(x.head, peer, plan.trust)
  }
  if (plan.claimed !== undefined && plan.claimed.size > 0 && isClaimed(x, plan.claimed)) return null
  const exact = plan.paths.get(x.path)
  if (exact !== undefined) return choose(x, exact)
  for (const [prefix, methods] of plan.prefixes) if (isUnder(x, prefix)) return chooseUnder(x, prefix, methods)
  if (plan.routes !== undefined && plan.routes !== null) return find(x, plan.routes)
  if (hasEncodedSlash(x.path)) return new GatewayError('invalid_target', 'The path has an encoded slash.')
  return served(x)
}

function isUnder({ path }: Exchange, prefix: string): boolean {
  return path.length > prefix.length && path.startsWith(prefix)
}

function chooseUnder(x: Exchange, prefix: string, methods: MethodTable): GatewayError | null {
  if (hasMark(x.path)) return marked()
  const rest = decode(x.path.slice(prefix.length))
  if (rest === null) return new GatewayError('invalid_target', 'The path has an encoding that is not UTF-8.')
  x.rest = rest
  return choose(x, methods)
}

/** What is left when nothing else has the path. */
function served(x: Exchange): GatewayError | null {
  for (const [prefix, methods] of x.plan.rests ?? []) {
    if (isUnder(x, prefix) && !hasEncodedSlash(x.path)) return chooseUnder(x, prefix, methods)
  }
  return notFound(x)
}

/** Whether a route that names this path as its own takes the request. */
function isClaimed(x: Exchange, claimed: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const names = claimed.get(x.path)
  const { routes = null } = x.plan
  if (names === undefined || routes === null) return false
  if (find(x, routes) === null && x.route !== null && names.has(x.route.name)) return true
  x.found = null
  x.route = null
  return false
}

function find(x: Exchange, table: RouteTable<Route>): GatewayError | null {
  if (UNSERVED.has(x.method) || SPELLED.has(x.method.toUpperCase()) !== SPELLED.has(x.method)) {
    return new GatewayError('method_not_allowed', `${x.method} is served on no path.`, { allow: SERVED })
  }
  const outcome = table.find(routeRequestOf(x, x.path))
  switch (outcome.type) {
    case 'route':
      x.found = outcome
      x.route = outcome.route
      return null
    case 'method_not_allowed':
      return methodNotAllowed(x, outcome.allow)
    case 'refused':
      return new GatewayError('invalid_target', outcome.reason)
    case 'none':
      return hasMark(x.path) ? marked() : served(x)
  }
}

function choose(x: Exchange, methods: MethodTable): GatewayError | null {
  const route = Object.hasOwn(methods, x.method) ? methods[x.method] : undefined
  if (route === undefined) return methodNotAllowed(x, Object.keys(methods).join(', '))
  x.route = route.within?.(x.path) ?? route
  return null
}

function methodNotAllowed(x: Exchange, allow: string): GatewayError {
  return new GatewayError('method_not_allowed', `${x.path} takes ${allow}, not ${x.method}.`, { allow })
}

function marked(): GatewayError {
  return new GatewayError('invalid_target', 'The path has a semicolon (;) or an encoded percent sign (%25).')
}

function notFound(x: Exchange): GatewayError {
  return new GatewayError('not_found', `There is no ${x.method} ${x.path} here.`)
}

function decode(text: string): string | null {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null // malformed encoding: the caller answers 400
  }
}
