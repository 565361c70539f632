/** Makes routes of the configuration into routes that requests are served by. */
import type { ConfigDocument, RouteConfig } from '../../config/index.ts'
import type { PathPattern } from '../match/path-pattern.ts'
import type { RouteMatchRule, RouteRule } from '../match/route-rule.ts'
import { compileRouteTable, type RouteTable } from '../match/route-table.ts'
import type { NamedCondition, ValueTest } from '../match/value-match.ts'
import type { Gate, Route } from '../phases.ts'
import { renderRouteError } from './error-pages.ts'
import { compileHeaderEdits } from './header-edits.ts'
import { proxyHandler } from './proxy-handler.ts'
import type { HandlerParts, RouteParts } from './route-parts.ts'
import { serveHandler, serveParts } from './serve-handler.ts'

/** The table of all routes, null when there are none. Throws an Error that names every route which cannot be compiled. */
export async function compileRoutes(
  routes: ConfigDocument['routes'],
  parts: RouteParts,
): Promise<RouteTable<Route> | null> {
  if (routes.length === 0) return null
  const problems: string[] = []
  const rules = routes.flatMap((config): RouteRule<Route>[] => {
    try {
      return [compileRule(config, parts)]
    } catch (error) {
      problems.push(`routes.${config.id}: ${error instanceof Error ? error.message : String(error)}`)
      return []
    }
  })
  const compiled = await compileRouteTable(rules)
  if (!compiled.ok)
    problems.push(...compiled.problems.map(({ id, field, message }) => `routes.${id}.${field}: ${message}`))
  if (problems.length > 0 || !compiled.ok) throw new Error(problems.join('; '))
  return compiled.table
}

function compileRule(config: RouteConfig, parts: RouteParts): RouteRule<Route> {
  const { id, priority, encoded_slash: encodedSlash } = config
  return { id, match: matchOf(config), priority, encodedSlash, route: compileRoute(config, parts) }
}

function compileRoute(config: RouteConfig, parts: RouteParts): Route {
  const handler: HandlerParts = config.upstream === undefined ? serveHandler(config) : proxyHandler(config, parts)
  const { before, editAnswer } = serveParts(config)
  const edit = compileHeaderEdits(config.response_headers)
  const gates: Gate[] = [...before, ...parts.gates(config)]
  return {
    name: config.id,
    // A preflight carries no credentials: CORS is asked before anybody is identified.
    identify: null,
    admit: gates.length === 0 ? null : gates,
    ...handler,
    shedFrom: SHED_FROM[config.importance],
    reserve: null,
    codeName: (code) => code,
    renderError: renderRouteError,
    renderStreamError: null,
    settle: parts.settle,
    editAnswer:
      edit === null && editAnswer === null
        ? null
        : (x, status, headers) => {
            editAnswer?.(x, status, headers)
            edit?.(x, headers)
          },
  }
}

/** The load level from which on a route's requests are refused. */
const SHED_FROM = { low: 1, normal: 2, critical: Number.POSITIVE_INFINITY } as const

function matchOf({ match, cors }: RouteConfig): RouteMatchRule {
  const methods = match.method === undefined ? null : new Set(match.method)
  // What may be read may be asked for without its body; a browser asks before it sends.
  if (methods?.has('GET') === true) methods.add('HEAD')
  if (methods !== null && cors !== undefined) methods.add('OPTIONS')
  return {
    ...(match.listener === undefined ? {} : { listeners: match.listener }),
    ...(match.host === undefined ? {} : { hosts: match.host }),
    ...(match.path === undefined ? {} : { paths: match.path.map(pathOf) }),
    ...(methods === null ? {} : { methods: [...methods] }),
    ...(match.header === undefined ? {} : { headers: conditionsOf(match.header) }),
    ...(match.query === undefined ? {} : { query: conditionsOf(match.query) }),
    ...(match.client === undefined ? {} : { addresses: match.client }),
  }
}

type MatchConfig = RouteConfig['match']
type PathConfig = NonNullable<MatchConfig['path']>[number]
type ConditionConfig = NonNullable<MatchConfig['header']>[string]

function pathOf(path: PathConfig): PathPattern {
  if (typeof path === 'string') {
    return path.includes('*') ? { kind: 'glob', pattern: path } : { kind: 'exact', path }
  }
  if ('exact' in path) return { kind: 'exact', path: path.exact }
  if ('prefix' in path) return { kind: 'prefix', path: path.prefix }
  if ('glob' in path) return { kind: 'glob', pattern: path.glob }
  return { kind: 'regex', pattern: path.regex }
}

function conditionsOf(conditions: Readonly<Record<string, ConditionConfig>>): NamedCondition[] {
  return Object.entries(conditions).map(([name, condition]) => {
    if (typeof condition === 'boolean') return { name, is: condition ? 'present' : 'absent' }
    if (typeof condition === 'string') return { name, is: testOf(condition) }
    return { name, is: namedTestOf(condition), values: condition.values }
  })
}

function testOf(text: string): ValueTest {
  return text.includes('*') ? { kind: 'glob', pattern: text } : { kind: 'exact', text }
}

function namedTestOf(condition: Exclude<ConditionConfig, boolean | string>): ValueTest {
  if ('exact' in condition) return { kind: 'exact', text: condition.exact }
  if ('prefix' in condition) return { kind: 'prefix', text: condition.prefix }
  if ('glob' in condition) return { kind: 'glob', pattern: condition.glob }
  return { kind: 'regex', pattern: condition.regex }
}
