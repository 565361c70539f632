import type { BlockList } from 'node:net'
import type { RouteConfig } from '../../config/index.ts'
import type { Gate, Route, SettleHook } from '../phases.ts'
import type { SharedState, UpstreamPool } from '../proxy/upstream-pool.ts'

/** What the compile step of routes is given by whoever knows the rest of the program. */
export interface RouteParts {
  readonly shared: SharedState
  /** Milliseconds of the clock that all threads share. */
  readonly now: () => number
  readonly trusted: BlockList | null
  /** The largest request body where a route says nothing. */
  readonly bodyLimit: number
  /** The pool of that name, which the configuration has. */
  readonly pool: (name: string) => UpstreamPool
  /** What a request must pass before its body is read: who may, and how fast. */
  readonly gates: (route: RouteConfig) => readonly Gate[]
  /** Some route keeps others from its paths: what rewrites make is matched against those. Absent: none does. */
  readonly hasGuards?: boolean
  readonly settle: (route: RouteConfig) => readonly SettleHook[] | null
}

/** What a handler of a route brings. */
export type HandlerParts = Pick<Route, 'inspect' | 'bodyLimit' | 'bodyTotalMs' | 'relayAbove' | 'encodedBody'>
