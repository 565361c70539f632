import type { FetchAddress, SurfaceHooks, SurfacePath, TokenCounter } from '../../ai/index.ts'
import { compileSurfaces, type TransportSource } from '../../ai/index.ts'
import type { ConfigDocument, RouteConfig, UpstreamConfig } from '../../config/index.ts'
import {
  answer,
  compileNetworks,
  compileRoutes,
  type Exchange,
  type Gate,
  type Hook,
  type MethodTable,
  type Plan,
  type Route,
  renderRouteError,
  type SharedState,
  type UpstreamPool,
} from '../../core/index.ts'
import type { GatewayMetrics } from '../../observability/index.ts'
import type { ContentPort, UsageClaimsPort } from '../../storage/index.ts'
import { PROCESS_CELL, reasonsOf } from '../memory.ts'

export interface PlanOptions {
  readonly version: number
  readonly document: ConfigDocument
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly metrics: GatewayMetrics
  readonly transports: TransportSource
  /** The operational log. */
  readonly warn?: ((message: string, fields: Readonly<Record<string, unknown>>) => void) | undefined
  readonly hooks: SurfaceHooks
  readonly content?: ContentPort
  readonly claims?: UsageClaimsPort
  readonly counter?: TokenCounter
  readonly fetchAddress?: FetchAddress
  readonly routes: RouteHooks
  /** `SharedMemory.process`. */
  readonly process: Int32Array
}

/** What routes of the configuration are given in this worker. */
export interface RouteHooks {
  readonly shared: SharedState
  readonly now: () => number
  readonly pool: (name: string, config: UpstreamConfig, plan: { version: number }) => UpstreamPool
  readonly gates: (route: RouteConfig, version: number) => readonly Gate[]
  readonly settle: (route: RouteConfig) => Route['settle']
}

/** Compiles a document into the plan that requests are served by. Rejects when it cannot: a missing reference. */
export async function compilePlan(options: PlanOptions): Promise<Plan> {
  const surfaces = await compileSurfaces({ ...options, shared: options.routes.shared })
  const health = (name: string, inspect: Hook): MethodTable => {
    const route: Route = { ...surfaces.fallback, name, inspect, settle: null, shedFrom: NEVER }
    return { GET: route, HEAD: route }
  }
  const { document, version, routes } = options
  const hasModels = servesModels(document)
  const served = hasModels ? surfaces.paths : []
  const paths = new Map<string, MethodTable>([
    ...exactPaths(served),
    ['/healthz', health('healthz', alive)],
    ['/livez', health('livez', alive)],
    ['/readyz', health('readyz', createReady(options.process))],
  ])
  const trusted = document.trusted_proxies.length === 0 ? null : compileNetworks(document.trusted_proxies)
  return {
    version,
    trust: trusted === null ? null : { proxies: trusted, headers: new Set(document.trusted_headers) },
    claimed: claimedPaths(document),
    routes: await compileRoutes(document.routes, {
      shared: routes.shared,
      now: routes.now,
      trusted,
      bodyLimit: document.limits.body,
      pool: (name) => {
        const config = document.upstreams[name]
        if (config === undefined) throw new Error(`there is no pool "${name}"`)
        return routes.pool(name, config, { version })
      },
      gates: (route) => routes.gates(route, version),
      settle: routes.settle,
    }),
    paths,
    prefixes: prefixPaths(served.filter(({ last }) => last !== true)),
    rests: prefixPaths(served.filter(({ last }) => last === true)),
    own: surfaces.unread,
    fallback: document.routes.length === 0 ? surfaces.fallback : withPages(surfaces.fallback, hasModels),
  }
}

function exactPaths(paths: readonly SurfacePath[]): [string, MethodTable][] {
  return methodTables(paths.filter(({ path }) => !path.endsWith('/')))
}

/** The longest first: it says the most. */
function prefixPaths(paths: readonly SurfacePath[]): [string, MethodTable][] {
  return methodTables(paths.filter(({ path }) => path.endsWith('/'))).sort(([a], [b]) => b.length - a.length)
}

function methodTables(paths: readonly SurfacePath[]): [string, MethodTable][] {
  const byPath = Map.groupBy(paths, ({ path }) => path)
  return [...byPath].map(([path, same]) => [path, Object.fromEntries(same.map(({ method, route }) => [method, route]))])
}

/** Beside routes of people's own, only the paths of the API speak the API's dialect. */
function withPages(fallback: Route, hasModels: boolean): Route {
  return {
    ...fallback,
    renderError: (x, error) => (hasModels && isOfApi(x) ? fallback.renderError(x, error) : renderRouteError(x, error)),
  }
}

function isOfApi(x: Exchange): boolean {
  return x.path === '' || x.path.startsWith('/v1/') || x.path.startsWith('/v1beta/')
}

/** A gateway that only has routes speaks no API: the built-in models are for one that is not configured yet. */
function servesModels({ routes, providers, models, aliases }: ConfigDocument): boolean {
  return routes.length === 0 || [providers, models, aliases].some((part) => Object.keys(part).length > 0)
}

/** Paths that routes name exactly, with the routes that do: where they are the gateway's own, the route has them. */
function claimedPaths({ routes }: ConfigDocument): ReadonlyMap<string, ReadonlySet<string>> {
  const claimed = new Map<string, Set<string>>()
  for (const { id, match } of routes) {
    for (const path of match.path ?? []) {
      const exact = typeof path === 'string' ? path : 'exact' in path ? path.exact : '*'
      if (!exact.includes('*')) claimed.set(exact, (claimed.get(exact) ?? new Set()).add(id))
    }
  }
  return claimed
}

/** Health is answered however loaded the thread is. */
const NEVER = Number.POSITIVE_INFINITY

function alive(x: Exchange): null {
  answer(x, 200, 'application/json', '{"status":"ok"}')
  return null
}

function createReady(process: Int32Array): Hook {
  return (x) => {
    const bits = Atomics.load(process, PROCESS_CELL.notReady)
    if (bits === 0) answer(x, 200, 'application/json', '{"status":"ready"}')
    else answer(x, 503, 'application/json', JSON.stringify({ status: 'not_ready', reasons: reasonsOf(bits) }))
    return null
  }
}
