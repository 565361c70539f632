import { isLoopback } from '../config/index.ts'
import { ControlError } from './errors.ts'

const HOST = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/

/**
 * A check of the Host header, for listeners on loopback: a page of another site whose name was made to point to this
 * machine (DNS rebinding) sends that name, and must not read what is meant for programs of this machine. Names that
 * may be sent are loopback addresses, `localhost` and the host that the listener is configured with. The check throws
 * ControlError `host_not_allowed`.
 */
export function createHostGuard(configuredHost: string): (host: string) => void {
  const configured = configuredHost.toLowerCase()
  return (host) => {
    const match = HOST.exec(host)
    const name = (match?.[1] ?? match?.[2] ?? '').toLowerCase()
    if (name !== '' && (name === configured || isLoopback(name))) return
    const message = 'This listener answers only to localhost. Send its address, for example 127.0.0.1, as the Host.'
    throw new ControlError('host_not_allowed', message, { param: 'host' })
  }
}
