import type { RouteConfig } from '../../config/index.ts'
import type { RouteGuard } from '../phases.ts'

/** Patterns that take every path: what they refuse is what no other route has. */
const EVERYTHING: ReadonlySet<string> = new Set(['/', '/*', '/**'])

/** What is behind a route, and who may reach it. */
export function placeOf({ upstream, files, auth }: RouteConfig): RouteGuard {
  const place = upstream === undefined ? `files ${files?.root ?? ''}` : `upstream ${upstream}`
  return { place, who: auth === undefined ? '' : JSON.stringify(auth) }
}

/**
 * What a route keeps others from, by its paths: by refusing them, or by asking for credentials. Null when it keeps nobody from
 * anything, or when it is the one for all that is left.
 */
export function guardOf(config: RouteConfig): RouteGuard | null {
  const { match, respond, auth } = config
  const ofSomePaths = match.path !== undefined && !match.path.some((path) => EVERYTHING.has(textOf(path)))
  if (!ofSomePaths) return null
  if (respond !== undefined && respond.status >= 400 && respond.status < 500) return { place: null, who: '' }
  return auth === undefined ? null : placeOf(config)
}

function textOf(path: NonNullable<RouteConfig['match']['path']>[number]): string {
  return typeof path === 'string' ? path : (Object.values(path)[0] ?? '')
}
