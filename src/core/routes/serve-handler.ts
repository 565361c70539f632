import type { RouteConfig } from '../../config/index.ts'
import type { Gate, Route } from '../phases.ts'
import { rewriteOf, rewrittenPath } from '../proxy/rewrite.ts'
import { createCors } from '../serve/cors.ts'
import { createEncodeGate } from '../serve/encode.ts'
import { createFileHandler } from '../serve/files.ts'
import { createRedirect } from '../serve/redirect.ts'
import { createRespond } from '../serve/respond.ts'
import { placeOf } from './route-guard.ts'
import type { HandlerParts } from './route-parts.ts'

/** A route that the gateway answers itself. Throws an Error that says what in it cannot be. */
export function serveHandler(config: RouteConfig, hasGuards: boolean): HandlerParts {
  return { bodyLimit: -1, inspect: inspectOf(config, hasGuards) }
}

function inspectOf(config: RouteConfig, hasGuards: boolean): Route['inspect'] {
  const { respond, redirect, files } = config
  if (respond !== undefined) return createRespond(respond)
  if (redirect !== undefined) return createRedirect(redirect)
  if (files === undefined) throw new Error('it has no handler')
  const rules = rewriteOf(config, hasGuards ? placeOf(config) : null)
  if (rules === null) return createFileHandler(files)
  // What is looked up is what was canonical: a rewrite that makes something else finds nothing.
  const pathOf = (x: Parameters<NonNullable<Route['inspect']>>[0]) => {
    // The folder itself, asked for without its slash: links of its page would lead elsewhere.
    if (x.path === rules.stripPrefix && rules.addPrefix === null) return ''
    const path = rewrittenPath(x, rules)
    return typeof path === 'string' ? path : '/\u0000'
  }
  return createFileHandler(files, { pathOf })
}

/** What a route does before it asks who may, and to each of its answers. */
export function serveParts(config: RouteConfig): { before: readonly Gate[]; editAnswer: Route['editAnswer'] | null } {
  const cors = config.cors === undefined ? null : createCors(config.cors)
  const encode = config.encode === undefined ? null : createEncodeGate(config.encode)
  return {
    before: [...(encode === null ? [] : [encode]), ...(cors === null ? [] : [cors.gate])],
    editAnswer: cors?.editAnswer ?? null,
  }
}
