import type { RouteTable } from './match/route-table.ts'
import type { Route } from './phases.ts'
import type { Trust } from './proxy/client-address.ts'

/** Methods of one path. */
export type MethodTable = Readonly<Record<string, Route | undefined>>

/** What the compile step makes of a configuration: immutable, shared by all requests that start while it is current. */
export interface Plan {
  readonly version: number
  /** Exact paths. */
  readonly paths: ReadonlyMap<string, MethodTable>
  /** Paths ending in `/`, matched by prefix; the rest must not be empty. Longest first. */
  readonly prefixes: readonly (readonly [prefix: string, methods: MethodTable])[]
  /** Prefixes for what none of the paths above and no route of the configuration serves; absent: none. */
  readonly rests?: readonly (readonly [prefix: string, methods: MethodTable])[]
  /** Of the paths above, those that routes of the configuration name, by the names of these routes: they go before. */
  readonly claimed?: ReadonlyMap<string, ReadonlySet<string>>
  /** Routes of the configuration, for what is none of the paths above; absent: there are none. */
  readonly routes?: RouteTable<Route> | null
  /** Proxies that are believed when they say who the client is; absent: none. */
  readonly trust?: Trust | null
  /** What the gateway asks for by itself; absent or null: nothing. */
  readonly own?: Route | null
  /** Renders what went wrong before a route was found. */
  readonly fallback: Route
}
