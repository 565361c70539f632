import type { TestContext } from 'node:test'
import {
  type Candidate,
  type Exchange,
  Gateway,
  type GatewayError,
  Listener,
  type ListenerOptions,
  type MethodTable,
  type Plan,
  type Route,
  type Timeouts,
} from '../../src/core/index.ts'
import { eventually } from '../harness/eventually.ts'

/** What a test wants different from a route that reads no body and answers its own name. */
export type RouteParts = Partial<Route>

/** Deadlines that no test reaches. */
export const PATIENT: Timeouts = {
  connectMs: 5_000,
  firstByteMs: 30_000,
  firstByteStreamMs: 30_000,
  idleMs: 30_000,
  totalMs: 60_000,
}

/** A route that renders errors as `{"code":…}` and, within a stream, as `!code`. */
export function routeOf(parts: RouteParts = {}): Route {
  return {
    name: 'tested',
    identify: null,
    admit: null,
    bodyLimit: -1,
    inspect: null,
    reserve: null,
    codeName: (code) => code,
    renderError: (_x, error) => ({
      body: Buffer.from(JSON.stringify({ code: error.code, message: error.message })),
      contentType: 'application/json',
    }),
    renderStreamError: (_x, error) => Buffer.from(`!${error.code}`),
    settle: null,
    ...parts,
  }
}

/** A plan of the given tables; its fallback is the plain route. */
export function planOf(
  paths: Readonly<Record<string, MethodTable>>,
  prefixes: Plan['prefixes'] = [],
  fallback: Route = routeOf({ name: 'none' }),
): Plan {
  return { version: 1, paths: new Map(Object.entries(paths)), prefixes, fallback }
}

/** The inspect hook of a route that sends every request to these candidates. */
export function toCandidates(...candidates: readonly Candidate[]): Route['inspect'] {
  return (x) => {
    x.candidates = candidates
    return null
  }
}

export interface EdgeOptions {
  readonly plan: Plan
  readonly bodyIdleMs?: number
  readonly bodyMemoryBytes?: number
  readonly listener?: Partial<ListenerOptions>
}

/** How one request ended, noted when it was settled. */
export interface Ending {
  readonly x: Exchange
  readonly end: Exchange['end']
  readonly status: number
  readonly error: GatewayError | null
  readonly cancelled: boolean
  readonly body: Buffer | null
}

/** A gateway that listens on a free loopback port. */
export interface Edge {
  readonly gateway: Gateway
  readonly listener: Listener
  readonly port: number
  readonly url: string
  /** Every settlement, in order. */
  readonly endings: readonly Ending[]
  /** What `onFault` was told. */
  readonly faults: readonly unknown[]
  /** Codes of what was refused as no request. */
  readonly unreadable: readonly string[]
  /** The first `count` settlements; fails after five seconds. */
  settled(count?: number): Promise<readonly Ending[]>
}

/** Starts a listener with this plan; all of it ends with the test. Adds its own settle hook to every route. */
export async function startEdge(t: TestContext, options: EdgeOptions): Promise<Edge> {
  const endings: Ending[] = []
  const faults: unknown[] = []
  const unreadable: string[] = []
  const note = (x: Exchange) => {
    const { end, status, error, cancelled, body } = x
    endings.push({ x, end, status, error, cancelled, body })
  }
  const gateway = new Gateway({
    plan: watched(options.plan, note),
    limits: { bodyIdleMs: options.bodyIdleMs ?? 30_000, bodyMemoryBytes: options.bodyMemoryBytes ?? 1e9 },
    onFault: (error) => faults.push(error),
    onUnreadable: ({ code }) => unreadable.push(code),
  })
  const listener = new Listener(gateway, {
    host: '127.0.0.1',
    port: 0,
    reusePort: false,
    maxConnections: 1_000,
    headerTimeoutMs: 10_000,
    requestTimeoutMs: 60_000,
    keepAliveMs: 30_000,
    answerIdleMs: 60_000,
    ...options.listener,
  })
  const port = await listener.listen()
  t.after(() => {
    listener.destroy()
    gateway.deadlines.stop()
  })
  const settled = (count = 1) =>
    eventually(() => (endings.length >= count ? endings : null), { what: `${count} settlement(s)` })
  return { gateway, listener, port, url: `http://127.0.0.1:${port}`, endings, faults, unreadable, settled }
}

function watched(plan: Plan, note: (x: Exchange) => void): Plan {
  const routes = new Map<Route, Route>()
  const watch = (route: Route): Route => {
    let other = routes.get(route)
    if (other === undefined) {
      other = { ...route, settle: [...(route.settle ?? []), note] }
      routes.set(route, other)
    }
    return other
  }
  const table = (methods: MethodTable): MethodTable =>
    Object.fromEntries(Object.entries(methods).flatMap(([method, route]) => (route ? [[method, watch(route)]] : [])))
  return {
    version: plan.version,
    paths: new Map([...plan.paths].map(([path, methods]) => [path, table(methods)])),
    prefixes: plan.prefixes.map(([prefix, methods]) => [prefix, table(methods)] as const),
    fallback: watch(plan.fallback),
  }
}
