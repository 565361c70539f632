import type { IncomingHttpHeaders } from 'node:http'
import type { TestContext } from 'node:test'
import { documentFrom } from '../../src/config/index.ts'
import type { Exchange } from '../../src/core/index.ts'
import { ProxyCandidate } from '../../src/core/proxy/proxy-route.ts'
import { AuthMemory, createRouteGates, KeyTable, routeLimitSlots, SharedCounters } from '../../src/governance/index.ts'
import { createCounters, SlotAllocator } from '../../src/lib/index.ts'
import { type Edge, PATIENT, planOf, routeOf, startEdge } from './edge.ts'
import { keyOf } from './keys.ts'
import { poolTo, startHttp } from './upstream.ts'

/** A route with `auth` and `rate_limits` of the configuration in front of a server that notes what reaches it. */
export interface Guarded {
  readonly edge: Edge
  readonly keys: KeyTable
  /** Heads of the requests that were let through. */
  readonly passed: readonly IncomingHttpHeaders[]
  /** What `warn` was told. */
  readonly warnings: readonly Readonly<Record<string, unknown>>[]
  readonly get: (headers?: Readonly<Record<string, string>>, path?: string) => Promise<Response>
  /** Id of the principal of the last request that ended. */
  readonly lastPrincipal: () => string | null
}

/** Serves `/guarded`; `secret-of-a` and `secret-of-limited` (scope `models.read`) are keys. All of it ends with the test. */
export async function guard(
  t: TestContext,
  route: { auth?: object; rate_limits?: readonly object[] },
  memory: AuthMemory = new AuthMemory(),
): Promise<Guarded> {
  const document = await documentFrom({ routes: [{ id: 'guarded', respond: {}, ...route }] })
  const [config] = document.routes
  if (config === undefined) throw new Error('the configuration has one route')
  const keys = new KeyTable({ generations: new Int32Array(8), pepper: '', catchUp: () => undefined })
  for (const key of [keyOf('a'), keyOf('limited', { scopes: ['models.read'] })]) {
    keys.apply({ id: key.id, document: key })
  }
  const counters = new BigInt64Array(createCounters(200_000))
  const slots = new SlotAllocator(counters)
  for (const { name, cells } of routeLimitSlots(config)) slots.allocate(name, cells)
  const warnings: Readonly<Record<string, unknown>>[] = []
  const admit = createRouteGates(config, {
    keys,
    memory,
    counters,
    desk: new SharedCounters(counters),
    indexOf: ({ name }) => slots.find(name) ?? -1,
    connect: ({ origin, maxConnections }) =>
      poolTo(t, origin, { connections: maxConnections, waiting: maxConnections }),
    warn: (message, fields) => warnings.push({ message, ...fields }),
  })
  const passed: IncomingHttpHeaders[] = []
  const far = await startHttp(t, (req, res) => {
    passed.push(req.headers)
    res.end('passed')
  })
  const candidate = new ProxyCandidate({
    upstream: {
      name: 'far',
      origin: far.origin,
      transport: poolTo(t, far.origin, { connections: 200 }),
      timeouts: PATIENT,
    },
    edit: null,
    host: 'target',
    maxResponse: 1e6,
    trusted: null,
    rewrite: null,
  })
  const inspect = (x: Exchange) => {
    x.surface = { target: x.path, body: null, upgrade: null } // what ProxyCandidate reads of a request
    x.candidates = [candidate]
    return null
  }
  const route0 = routeOf({ name: 'guarded', admit, inspect })
  const edge = await startEdge(t, { plan: planOf({ '/guarded': { GET: route0, POST: route0, HEAD: route0 } }) })
  return {
    edge,
    keys,
    passed,
    warnings,
    get: async (headers = {}, path = '/guarded') => await fetch(edge.url + path, { headers, redirect: 'manual' }),
    lastPrincipal: () => edge.endings.at(-1)?.x.principal?.id ?? null,
  }
}
