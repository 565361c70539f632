import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { AnswerHeaders, AnswerTap, Candidate, TunnelEnd } from './phases.ts'
import { refuse } from './respond/refuse.ts'
import { Tunnel } from './tunnel.ts'

export interface Switched {
  readonly headers: AnswerHeaders
  readonly end: TunnelEnd
}

/** The upstream has answered 101: tells the client, and joins both ends. A client that cannot switch is refused. */
export function switchProtocols(x: Exchange, candidate: Candidate, tap: AnswerTap, { headers, end }: Switched): void {
  x.attempting?.onHead(x, 101, headers)
  const out = tap.headers(headers, null)
  const protocol = headers['upgrade']
  if (typeof protocol === 'string') out.push('upgrade', protocol)
  x.route?.editAnswer?.(x, 101, out)
  x.status = 101
  x.firstByteAt = performance.now()
  const client = x.client.upgrade(out)
  if (client === null) {
    refuse(x, new GatewayError('upstream_invalid_response', 'The protocol was switched when that was not possible.'))
    return end.destroy()
  }
  x.watched = new Tunnel(x, client, end, {
    idleMs: candidate.upstream.timeouts.idleMs,
    watch: tap.watchTunnel?.() ?? null,
  })
}
