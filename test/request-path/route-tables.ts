/** Small tables and requests for the tests of the route table. */
import assert from 'node:assert/strict'
import type { PathPattern } from '../../src/core/match/path-pattern.ts'
import type { RouteRequest } from '../../src/core/match/route-request.ts'
import type { RouteMatchRule, RouteRule } from '../../src/core/match/route-rule.ts'
import { compileRouteTable, type RouteTable } from '../../src/core/match/route-table.ts'

/** A rule whose route is its id. */
export type Rule = Omit<RouteRule<string>, 'route'>

export const exact = (path: string): PathPattern => ({ kind: 'exact', path })
export const prefix = (path: string): PathPattern => ({ kind: 'prefix', path })
export const glob = (pattern: string): PathPattern => ({ kind: 'glob', pattern })
export const expression = (pattern: string): PathPattern => ({ kind: 'regex', pattern })

/** The table of rules that must be right. */
export async function tableOf(...rules: readonly Rule[]): Promise<RouteTable<string>> {
  const compiled = await compileRouteTable(rules.map((rule) => ({ ...rule, route: `to ${rule.id}` })))
  assert.ok(compiled.ok, JSON.stringify(compiled))
  return compiled.table
}

export const rule = (id: string, match: RouteMatchRule, more?: Partial<Rule>): Rule => ({ id, match, ...more })

export const requestOf = (path: string, more?: Partial<RouteRequest>): RouteRequest => ({
  ...{ listener: 'public', host: 'example.com', path, method: 'GET', names: [], values: [], query: '' },
  clientAddress: '192.0.2.1',
  ...more,
})

/** The id of the route, or what else the table says. */
export function found(table: RouteTable<string>, path: string, more?: Partial<RouteRequest>): string {
  const outcome = table.find(requestOf(path, more))
  if (outcome.type === 'method_not_allowed') return `405 ${outcome.allow}`
  return outcome.type === 'route' ? outcome.id : outcome.type
}
