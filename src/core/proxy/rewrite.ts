import type { RouteConfig } from '../../config/index.ts'
import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { canonicalRewrite, readingWithoutParameters } from '../match/canonical-path.ts'
import { routeRequestOf } from '../match/route-request.ts'
import type { RouteGuard } from '../phases.ts'
import { compileTemplate, type Template, withPlaceholders } from '../routes/template.ts'

/** How a path and a query become the handler's. */
export interface RewriteRules {
  readonly stripPrefix: string | null
  readonly addPrefix: string | null
  readonly path: Template | null
  /** Null: the query stays. */
  readonly query: Template | null
  /** Whether answers are told in the client's paths (`way-back.ts`). */
  readonly mapsLocation: boolean
  readonly mapsCookiePath: boolean
  /** Whose new paths are matched against what other routes guard; null: they are not. */
  readonly own: RouteGuard | null
}

type RewriteConfig = NonNullable<RouteConfig['rewrite']>

const PATHS = { segments: 'refuse', encodedSlash: 'allow', marks: 'allow' } as const
/** What they stand for begins a query, or may hold one: it never fits into a path. */
const NO_PATH = /\{(?:uri|query)\}/
/** Characters that end or divide the parts of a query; percent signs are those of encodings in paths. */
const QUERY_MARKS = /[&+=#?]/g

/**
 * The rules of a route; null when its paths stay as they are. Throws a RangeError for an unknown placeholder, and for
 * text that would make every request one that is refused.
 */
export function rewriteOf(
  { rewrite }: { readonly rewrite?: Partial<RewriteConfig> | undefined },
  own: RouteGuard | null = null,
): RewriteRules | null {
  if (rewrite === undefined) return null
  const { strip_prefix: strip, add_prefix: add, path, query } = rewrite
  return {
    stripPrefix: strip === undefined ? null : prefixOf(strip),
    addPrefix: add === undefined ? null : prefixOf(add),
    path: path === undefined ? null : compilePath(path),
    query: query === undefined ? null : compileTemplate(query, safeInQuery),
    mapsLocation: rewrite.location !== 'keep',
    mapsCookiePath: rewrite.cookie_path === 'map',
    own: rewrite.denied === 'forward' ? null : own,
  }
}

/**
 * The path that the handler gets, in canonical form, or why there is none: what a rewrite makes is looked at like what
 * a client sends (`/api` taken off `/api//admin` leaves a path that is refused).
 */
export function rewrittenPath(
  x: Exchange,
  { stripPrefix, addPrefix, path: template, own }: RewriteRules,
): string | GatewayError {
  let path = template === null ? x.path : template(x)
  if (stripPrefix !== null && (path === stripPrefix || path.startsWith(`${stripPrefix}/`))) {
    path = path.slice(stripPrefix.length)
    if (path === '') path = '/'
  }
  if (addPrefix !== null) path = path === '/' ? addPrefix : `${addPrefix}${path}`
  return canonicalRewrite(path, PATHS, own === null ? null : (made) => isGuarded(x, made, own))
}

/** True when the rules give this path to a route that refuses it, or that asks somebody else to the same place. */
function isGuarded(x: Exchange, path: string, own: RouteGuard): boolean {
  return leadsPast(x, path, own) || leadsPast(x, readingWithoutParameters(path), own)
}

function leadsPast(x: Exchange, path: string | null, own: RouteGuard): boolean {
  const table = x.plan.routes ?? null
  if (table === null || path === null || path === x.path) return false
  const route = table.leadsTo(routeRequestOf(x, path))
  if (route === 'unknown') return true
  const guard = route?.guard ?? null
  return guard !== null && (guard.place === null || (guard.place === own.place && guard.who !== own.who))
}

function compilePath(text: string): Template {
  const [unfit] = NO_PATH.exec(text) ?? []
  if (unfit !== undefined) throw new RangeError(`${unfit} is not a part of a path; \`query\` says the query`)
  const template = compileTemplate(text, safeInPath)
  checkedPath(withPlaceholders(text, 'x'))
  return template
}

/** A prefix as it stands in canonical paths, which it is compared with; without a slash at its end. */
function prefixOf(text: string): string {
  return checkedPath(text).replace(/\/$/, '')
}

/** The canonical form of a path. Throws when no path that is made of this text would be taken. */
function checkedPath(text: string): string {
  const path = canonicalRewrite(text, PATHS, null)
  if (path instanceof GatewayError) throw new RangeError(`every request would be refused: ${path.message}`)
  return path
}

/** Paths are canonical already; of all else, what a path cannot hold is encoded. */
function safeInPath(value: string, name: string): string {
  return name.startsWith('path') ? value : encodeURIComponent(value)
}

function safeInQuery(value: string, name: string): string {
  if (name === 'query' || name === 'uri') return value
  return name.startsWith('path') ? value.replace(QUERY_MARKS, encodeURIComponent) : encodeURIComponent(value)
}
