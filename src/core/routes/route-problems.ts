/**
 * Everything in routes that only compiling them finds, each with the key that is to blame. The very functions that make
 * the plan are tried on one part after the other, so that nothing is accepted here that is refused there.
 */
import { type ConfigDocument, type DocumentProblem, problemsOf, type RouteConfig, within } from '../../config/index.ts'
import { viewCells } from '../balance/shared-cells.ts'
import type { RouteMatchRule, RuleProblem } from '../match/route-rule.ts'
import { compileRouteTable } from '../match/route-table.ts'
import type { Transport } from '../phases.ts'
import { rewriteOf } from '../proxy/rewrite.ts'
import { compileUpgradeOrigins } from '../proxy/upgrade-origins.ts'
import { UpstreamPool } from '../proxy/upstream-pool.ts'
import { createCors } from '../serve/cors.ts'
import { FileRoot } from '../serve/open-file.ts'
import { createRedirect } from '../serve/redirect.ts'
import { createRespond } from '../serve/respond.ts'
import { compileRoute } from './compile-routes.ts'
import { compileHeaderEdits } from './header-edits.ts'
import { ruleOf } from './match-rule.ts'
import type { RouteParts } from './route-parts.ts'

/** What is wrong with the routes of a document, but for their gates. It reads folders that routes name, nothing else. */
export async function routeProblems(routes: ConfigDocument['routes']): Promise<DocumentProblem[]> {
  const compiled = await compileRouteTable(routes.map((config) => ruleOf(config, null)))
  const stubs = stubParts()
  return [
    ...(compiled.ok ? [] : compiled.problems.map((problem) => ruleProblem(problem, routes[problem.index]))),
    ...routes.flatMap((config, index) => {
      const problems = partProblems(config)
      // What no part is to blame for.
      const rest = problems.length > 0 ? [] : problemsOf([], () => compileRoute(config, stubs))
      return within(['routes', index], [...problems, ...rest])
    }),
  ]
}

/** What the parts of a rule are called in the configuration. */
const MATCH_KEYS: Readonly<Record<keyof RouteMatchRule, keyof RouteConfig['match']>> = {
  listeners: 'listener',
  hosts: 'host',
  paths: 'path',
  methods: 'method',
  headers: 'header',
  query: 'query',
  addresses: 'client',
  certificate: 'client_certificate',
}

function ruleProblem({ index, field, item, message }: RuleProblem, config: RouteConfig | undefined): DocumentProblem {
  const path = ['routes', index]
  if (field === 'id' || field === 'match' || field === 'priority') return { path: [...path, field], message }
  const key = MATCH_KEYS[field]
  const place = [...path, 'match', key]
  const named = config?.match[key]
  if (item === undefined || named === undefined || field === 'certificate') return { path: place, message }
  if (!Array.isArray(named)) return { path: [...place, Object.keys(named)[item] ?? ''], message }
  // One value may stand without its list.
  return { path: named.length === 1 || field === 'addresses' ? place : [...place, item], message }
}

function partProblems(config: RouteConfig): DocumentProblem[] {
  const { rewrite, cors, respond, redirect, files } = config
  return [
    ...editProblems('request_headers', config),
    ...editProblems('response_headers', config),
    ...(['strip_prefix', 'add_prefix', 'path', 'query'] as const).flatMap((key) =>
      rewrite?.[key] === undefined
        ? []
        : problemsOf(['rewrite', key], () => rewriteOf({ rewrite: { [key]: rewrite[key] } })),
    ),
    ...(cors?.origins ?? []).flatMap((origin, at) =>
      problemsOf(['cors', 'origins', at], () => cors && createCors({ ...cors, origins: [origin] })),
    ),
    ...(config.upgrade_origins ?? []).flatMap((origin, at) =>
      problemsOf(['upgrade_origins', at], () => compileUpgradeOrigins({ upgrade_origins: [origin] })),
    ),
    ...(respond === undefined ? [] : problemsOf(['respond', 'body'], () => createRespond(respond))),
    ...(redirect === undefined ? [] : problemsOf(['redirect', 'to'], () => createRedirect(redirect))),
    ...(files === undefined ? [] : problemsOf(['files', 'root'], () => new FileRoot(files.root))),
  ]
}

function editProblems(side: 'request_headers' | 'response_headers', config: RouteConfig): DocumentProblem[] {
  return (['set', 'add'] as const).flatMap((kind) =>
    Object.entries(config[side][kind]).flatMap(([name, text]) =>
      problemsOf([side, kind, name], () => compileHeaderEdits({ set: { [name]: text }, add: {}, remove: [] })),
    ),
  )
}

/** Stands for the rest of the program, where only compiling is of interest. */
function stubParts(): RouteParts {
  const shared = {
    cells: viewCells(new SharedArrayBuffer(8)),
    seat: { number: 0, of: 1 },
    indexOf: () => 0,
  }
  const transport: Transport = { dispatch: () => false, close: async () => undefined }
  const pool = new UpstreamPool({
    name: 'stub',
    targets: [{ id: 'stub', weight: 1, transport }],
    shared,
    now: () => 0,
    ejection: null,
    health: null,
    policy: 'round_robin',
    keySource: null,
    panicBelow: null,
    host: 'target',
    maxResponse: Number.POSITIVE_INFINITY,
    pendingMs: 10_000,
    onHealth: () => undefined,
  })
  return {
    shared,
    now: () => 0,
    trusted: null,
    bodyLimit: 0,
    pool: () => pool,
    gates: () => [],
    settle: () => null,
  }
}
