/** Makes routes of the configuration into routes that requests are served by. */
import type { ConfigDocument, RouteConfig } from '../../config/index.ts'
import type { RouteRule } from '../match/route-rule.ts'
import { compileRouteTable, type RouteTable } from '../match/route-table.ts'
import type { Gate, Route } from '../phases.ts'
import { renderRouteError } from './error-pages.ts'
import { compileHeaderEdits } from './header-edits.ts'
import { ruleOf } from './match-rule.ts'
import { proxyHandler } from './proxy-handler.ts'
import { guardOf } from './route-guard.ts'
import type { HandlerParts, RouteParts } from './route-parts.ts'
import { serveHandler, serveParts } from './serve-handler.ts'

/** The table of all routes, null when there are none. Throws an Error that names every route which cannot be compiled. */
export async function compileRoutes(
  routes: ConfigDocument['routes'],
  given: RouteParts,
): Promise<RouteTable<Route> | null> {
  if (routes.length === 0) return null
  const parts = { ...given, hasGuards: routes.some((config) => guardOf(config) !== null) }
  const problems: string[] = []
  const rules = routes.flatMap((config): RouteRule<Route>[] => {
    try {
      return [ruleOf(config, compileRoute(config, parts))]
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

/** What serves a route. Throws an Error that says what in it cannot be. */
export function compileRoute(config: RouteConfig, parts: RouteParts): Route {
  const handler: HandlerParts =
    config.upstream === undefined ? serveHandler(config, parts.hasGuards === true) : proxyHandler(config, parts)
  const { before, editAnswer } = serveParts(config)
  const edit = compileHeaderEdits(config.response_headers)
  const gates: Gate[] = [...before, ...parts.gates(config)]
  return {
    name: config.id,
    guard: guardOf(config),
    // A preflight carries no credentials: CORS is asked before anybody is identified.
    identify: null,
    admit: gates.length === 0 ? null : gates,
    ...handler,
    shedFrom: SHED_FROM[config.importance],
    reserve: null,
    codeName: (code) => code,
    renderError: renderRouteError,
    renderStreamError: null,
    settle: parts.settle(config),
    editAnswer:
      edit === null && editAnswer === null && gates.length === 0
        ? null
        : (x, status, headers) => {
            if (x.gateHeaders !== null) headers.push(...x.gateHeaders)
            editAnswer?.(x, status, headers)
            edit?.(x, headers)
          },
  }
}

/** The load level from which on a route's requests are refused. */
const SHED_FROM = { low: 1, normal: 2, critical: Number.POSITIVE_INFINITY } as const
