import type { ConfigDocument } from '../config/index.ts'
import { type ListenerPorts, listenersOf } from './listeners.ts'

/** What the address of a listener is called in the configuration. */
export function listenerKey(name: string, document: ConfigDocument): string {
  return name === 'main' && document.listeners['main'] === undefined ? 'listen' : `listeners.${name}.listen`
}

/** Where each listener is reached. */
export function urlsOf(document: ConfigDocument, ports: ListenerPorts): Record<string, string> {
  return Object.fromEntries(
    listenersOf(document).map(({ name, config }) => {
      const port = ports[name] ?? config.listen.port
      const plain = url(config.listen.host, port)
      return [name, config.tls === undefined ? plain : plain.replace(/^http:/, 'https:')]
    }),
  )
}

/** The base URL of an address, without TLS. */
export function url(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
