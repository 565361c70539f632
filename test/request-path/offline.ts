import { Exchange } from '../../src/core/exchange.ts'
import { RequestHead, readRequestHead } from '../../src/core/http1/request-head.ts'
import { Gateway, type Plan } from '../../src/core/index.ts'
import { ClientDouble } from './client-double.ts'
import { planOf } from './edge.ts'

export interface OfflineOptions {
  readonly method?: string
  readonly path?: string
  readonly query?: string
  /** Flat: name, value, name, value. A Host is added. */
  readonly headers?: readonly string[]
  readonly plan?: Plan
  readonly gateway?: Gateway
}

/** A gateway without a listener. */
export function offlineGateway(plan: Plan = planOf({})): Gateway {
  return new Gateway({
    plan,
    limits: { bodyIdleMs: 30_000, bodyMemoryBytes: 1e9 },
    onFault: (error) => {
      throw error
    },
  })
}

/** An exchange whose client is a double. Throws when the head is one that is refused. */
export function offlineExchange(options: OfflineOptions = {}): Exchange {
  const { method = 'POST', path = '/tested', query = '', headers = [], plan = planOf({}) } = options
  let text = `${method} ${path} HTTP/1.1\r\nHost: localhost`
  for (let at = 0; at + 1 < headers.length; at += 2) text += `\r\n${headers[at]}: ${headers[at + 1]}`
  const head = readRequestHead(text)
  if (!(head instanceof RequestHead)) throw head
  if (head.problem !== null) throw head.problem
  return new Exchange(options.gateway ?? offlineGateway(plan), plan, new ClientDouble(), head, path, query)
}
