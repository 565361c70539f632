import { isIPv4, isIPv6 } from 'node:net'

/** An address to listen on; `host` is without brackets, `port` 0 asks the system for a free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/
/** What to write, for whoever wrote something else. */
export const LISTEN_HELP = 'expected host:port, such as `127.0.0.1:8080` or `[::1]:8080`'

/** The parts of `host:port` or `[IPv6]:port`, or null when the text is neither. */
export function parseListen(text: string): ListenAddress | null {
  const colon = text.lastIndexOf(':')
  const rawHost = text.slice(0, Math.max(colon, 0))
  const rawPort = text.slice(colon + 1)
  if (!/^\d{1,5}$/.test(rawPort) || Number(rawPort) > 65_535) return null
  if (rawHost.startsWith('[')) {
    const host = rawHost.slice(1, -1)
    return rawHost.endsWith(']') && isIPv6(host) ? { host, port: Number(rawPort) } : null
  }
  // All digits and dots but no IPv4 address is a mistyped one, never a name.
  const named = HOST_NAME.test(rawHost) && !/^[\d.]+$/.test(rawHost)
  return named || isIPv4(rawHost) ? { host: rawHost, port: Number(rawPort) } : null
}

/** True when only programs of this machine can reach a listener on `host` (127.0.0.0/8, ::1, localhost). */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.')
  if (isIPv6(host)) return new URL(`http://[${host}]`).hostname === '[::1]'
  return host.toLowerCase() === 'localhost'
}
