import type { Transport } from '../../core/index.ts'
import type { CounterDesk } from '../counter-desk.ts'
import type { KeyTable } from '../key-table.ts'
import type { Policies } from '../policy/policies.ts'
import type { AuthMemory } from './auth-memory.ts'
import type { PrincipalSource } from './principal-source.ts'

/** What the gates of routes are given by whoever knows the rest of the program. */
export interface AuthParts {
  readonly keys: KeyTable
  /** Where the limits of keys are counted. */
  readonly desk: CounterDesk
  /** Who knows holders of other credentials than keys; absent: nobody. */
  readonly others?: readonly PrincipalSource[]
  /** Of the plan; absent or null: there are none. */
  readonly policies?: Policies | null
  /** One for each worker, whatever the plan. */
  readonly memory: AuthMemory
  /** Connections to a server that helps to decide who a client is; they live as long as the plan. */
  readonly connect: (server: AuthServer) => Transport
  /** Something that an operator should know of. */
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

export interface AuthServer {
  /** Scheme, host and port. */
  readonly origin: string
  readonly connectTimeoutMs: number
  readonly maxConnections: number
}

/** Reads the address of such a server; throws an Error that names the key of the configuration. */
export function serverUrl(key: string, text: string): URL {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Error(`${key}: expected a URL with http or https`)
  if (url.username !== '' || url.password !== '') throw new Error(`${key}: a URL holds no credentials here`)
  if (url.hash !== '') throw new Error(`${key}: a fragment is never sent; leave it out`)
  return url
}
