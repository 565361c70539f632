import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Exchange } from '../../src/core/exchange.ts'
import { Gateway, type Plan } from '../../src/core/index.ts'
import { RequestHead, readHead } from '../../src/core/listen/request-head.ts'
import { planOf } from './edge.ts'

export interface OfflineOptions {
  readonly method?: string
  readonly path?: string
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

/** An exchange whose request and response belong to no connection. Throws when the head is one that is refused. */
export function offlineExchange(options: OfflineOptions = {}): Exchange {
  const { method = 'POST', path = '/tested', headers = [], plan = planOf({}) } = options
  const req = new IncomingMessage(new Socket())
  req.method = method
  req.url = path
  const res = new ServerResponse(req)
  const head = readHead(['Host', 'localhost', ...headers], 1, 1)
  if (!(head instanceof RequestHead)) throw head
  return new Exchange(options.gateway ?? offlineGateway(plan), plan, req, res, head, path, '')
}
