import type { ConfigDocument, ListenerConfig } from '../config/index.ts'

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

/** Of ports that were found, those of listeners whose address is the same in the next document. */
export function samePorts(
  ports: ListenerPorts,
  old: Pick<ConfigDocument, 'listen' | 'listeners'>,
  next: Pick<ConfigDocument, 'listen' | 'listeners'>,
): ListenerPorts {
  const before = new Map(listenersOf(old).map(({ name, config }) => [name, config.listen]))
  const same = listenersOf(next).filter(({ name, config: { listen } }) => {
    const address = before.get(name)
    return address !== undefined && address.host === listen.host && address.port === listen.port
  })
  return Object.fromEntries(
    same.flatMap(({ name }) => {
      const port = ports[name]
      return port === undefined ? [] : [[name, port]]
    }),
  )
}

/**
 * Listeners of the next document whose address nobody of us has yet; `beside` says whether we hold its port on another
 * address.
 */
export function newAddresses(
  old: Pick<ConfigDocument, 'listen' | 'listeners'>,
  next: Pick<ConfigDocument, 'listen' | 'listeners'>,
): (NamedListener & { readonly beside: 'nobody' | 'ourselves' })[] {
  const held = listenersOf(old).map(({ config }) => config.listen)
  return listenersOf(next).flatMap((listener) => {
    const { host, port } = listener.config.listen
    if (held.some((address) => address.host === host && address.port === port)) return []
    return [{ ...listener, beside: held.some((address) => address.port === port) ? 'ourselves' : 'nobody' }]
  })
}
