import type { RouteConfig } from '../../config/index.ts'
import type { Gate, Route } from '../phases.ts'
import { answer } from '../respond/answer.ts'
import type { HandlerParts } from './route-parts.ts'
import { compileTemplate } from './template.ts'

/** A route that the gateway answers itself. */
export function serveHandler(config: RouteConfig): HandlerParts {
  const { respond } = config
  if (respond === undefined) throw new Error('it has no handler')
  const body = compileTemplate(respond.body)
  return {
    bodyLimit: -1,
    inspect: (x) => {
      answer(x, respond.status, respond.content_type, body(x))
      return null
    },
  }
}

/** What a route does before it is asked who may, and to each of its answers. */
export function serveParts(_config: RouteConfig): { before: readonly Gate[]; editAnswer: Route['editAnswer'] | null } {
  return { before: [], editAnswer: null }
}
