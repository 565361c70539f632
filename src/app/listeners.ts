import type { ConfigDocument, ListenAddress, ListenerConfig } from '../config/index.ts'

/** One address that the data workers listen on. */
export interface NamedListener {
  readonly name: string
  readonly config: ListenerConfig
}

/** Ports that listeners have, by their names: those that the configuration leaves open are known once they listen. */
export type ListenerPorts = Readonly<Record<string, number>>

/** All data listeners of a document: `main` is the top-level `listen`, unless `listeners` has one of that name. */
export function listenersOf(document: Pick<ConfigDocument, 'listen' | 'listeners'>): NamedListener[] {
  const { main, ...others } = document.listeners
  const first: ListenerConfig = main ?? { listen: document.listen, proxy_protocol: 'off' }
  return [['main', first] as const, ...Object.entries(others)].map(([name, config]) => ({ name, config }))
}

/** The address of the main listener. */
export function mainAddress(document: Pick<ConfigDocument, 'listen' | 'listeners'>): ListenAddress {
  return document.listeners['main']?.listen ?? document.listen
}
