import type { RouteConfig } from '../../config/index.ts'
import type { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { canonicalRewrite } from '../match/canonical-path.ts'
import { compileTemplate, type Template } from '../routes/template.ts'

/** How a path becomes the handler's. */
export interface RewriteRules {
  readonly stripPrefix: string | null
  readonly addPrefix: string | null
  readonly path: Template | null
}

/** The rules of a route; null when its paths stay as they are. Throws a RangeError for an unknown placeholder. */
export function rewriteOf({ rewrite }: Pick<RouteConfig, 'rewrite'>): RewriteRules | null {
  if (rewrite === undefined) return null
  return {
    stripPrefix: rewrite.strip_prefix?.replace(/\/$/, '') ?? null,
    addPrefix: rewrite.add_prefix?.replace(/\/$/, '') ?? null,
    path: rewrite.path === undefined ? null : compileTemplate(rewrite.path),
  }
}

/**
 * The path that the handler gets, in canonical form, or why there is none: what a rewrite makes is looked at like what
 * a client sends (`/api` taken off `/api//admin` leaves a path that is refused).
 */
export function rewrittenPath(
  x: Exchange,
  { stripPrefix, addPrefix, path: template }: RewriteRules,
): string | GatewayError {
  let path = template === null ? x.path : template(x)
  if (stripPrefix !== null && (path === stripPrefix || path.startsWith(`${stripPrefix}/`))) {
    path = path.slice(stripPrefix.length)
    if (path === '') path = '/'
  }
  if (addPrefix !== null) path = path === '/' ? addPrefix : `${addPrefix}${path}`
  return canonicalRewrite(path, { segments: 'refuse', encodedSlash: 'allow' }, null)
}
