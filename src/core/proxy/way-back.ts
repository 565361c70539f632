/**
 * The way back through a rewrite: what a server says of its own paths, in the words of those who asked for them. Of
 * `strip_prefix: /app`, `Location: /login` becomes `/app/login`. Bodies are never changed.
 */
import type { RewriteRules } from './rewrite.ts'

export interface WayBackRules {
  readonly stripPrefix: string
  readonly addPrefix: string
  /** What a Location may begin with and still lead to the server itself, in lower case. */
  readonly origins: readonly string[]
  /** Servers are told the client's host, and say it of themselves. */
  readonly seesClientHost: boolean
  readonly location: boolean
  readonly cookiePath: boolean
}

/** The rules for the servers of one origin; null when nothing is to be changed. */
export function wayBackOf(
  rewrite: RewriteRules | null,
  { origin, host }: { origin: string; host: string },
): WayBackRules | null {
  if (rewrite === null || (rewrite.stripPrefix ?? rewrite.addPrefix) === null) return null
  if (!rewrite.mapsLocation && !rewrite.mapsCookiePath) return null
  const [own = ''] = origin.split('#')
  const isNamed = host !== 'target' && host !== 'client'
  return {
    stripPrefix: rewrite.stripPrefix ?? '',
    addPrefix: rewrite.addPrefix ?? '',
    origins: [own, ...(isNamed ? [`http://${host}`, `https://${host}`] : [])].map((text) => text.toLowerCase()),
    seesClientHost: host === 'client',
    location: rewrite.mapsLocation,
    cookiePath: rewrite.mapsCookiePath,
  }
}

/** What the client asked for: the path, and the Host that it named. */
export interface Asked {
  readonly path: string
  readonly host: string | null
}

/** Changes a header list of an answer in place. */
export function mapBack(headers: string[], { path: seenPath, host }: Asked, rules: WayBackRules): void {
  // A route may take more paths than those that have the prefix: then nothing was taken off.
  const { stripPrefix } = rules
  const wasStripped = seenPath === stripPrefix || seenPath.startsWith(`${stripPrefix}/`)
  const prefix = wasStripped ? stripPrefix : ''
  for (let at = 0; at < headers.length; at += 2) {
    const [name, value = ''] = [headers[at], headers[at + 1]]
    if (rules.location && name === 'location') {
      const seen = rules.seesClientHost && host !== null ? mapOwnUrl(value, host, { prefix, rules }) : null
      headers[at + 1] = seen ?? mapLocation(value, prefix, rules)
    } else if (rules.cookiePath && name === 'set-cookie') headers[at + 1] = mapCookie(value, prefix, rules)
  }
}

function mapLocation(value: string, prefix: string, rules: WayBackRules): string {
  let path = value
  const lower = value.toLowerCase()
  for (const origin of rules.origins) {
    const next = lower[origin.length]
    if (!lower.startsWith(origin) || (next !== undefined && !'/?#'.includes(next))) continue
    path = value.slice(origin.length)
    if (!path.startsWith('/')) path = `/${path}`
    break
  }
  // `//host` and `/\host` lead elsewhere; so does everything that is no path from the root.
  if (!/^\/(?![/\\])/.test(path)) return value
  return mapPath(path, prefix, rules.addPrefix) ?? path
}

/**
 * An URL of the host that the client named, with its scheme and host left as they are: it may lead from http to https.
 * Null for every other text. A path that has the prefix stays: the server was told where it stands.
 */
function mapOwnUrl(
  value: string,
  host: string,
  { prefix, rules }: { prefix: string; rules: WayBackRules },
): string | null {
  const [origin = '', seen = ''] = /^https?:\/\/([^/?#]*)/i.exec(value) ?? []
  if (origin === '' || seen.toLowerCase() !== host.toLowerCase()) return null
  const rest = value.slice(origin.length)
  const path = rest.startsWith('/') ? rest : `/${rest}`
  const isMapped = prefix !== '' && path.startsWith(prefix) && '/?#'.includes(path[prefix.length] ?? '/')
  return isMapped ? value : `${origin}${mapPath(path, prefix, rules.addPrefix) ?? path}`
}

const COOKIE_PATH = /(;\s*path\s*=\s*)(\/[^;]*)/i

function mapCookie(value: string, prefix: string, { addPrefix }: WayBackRules): string {
  return value.replace(COOKIE_PATH, (whole: string, name: string, path: string) => {
    const mapped = mapPath(path.trim(), prefix, addPrefix)
    // A folder without its slash holds for the folder itself too.
    return mapped === null ? whole : `${name}${mapped.length > 1 ? mapped.replace(/\/$/, '') : mapped}`
  })
}

/** A path of the server as clients ask for it; null when the route leads nowhere near it. */
function mapPath(path: string, prefix: string, added: string): string | null {
  if (added === '') return `${prefix}${path}`
  if (!path.startsWith(added)) return null
  const rest = path.slice(added.length)
  if (rest !== '' && !'/?#'.includes(rest[0] ?? '')) return null
  const mapped = `${prefix}${rest}`
  return mapped.startsWith('/') ? mapped : `/${mapped}`
}
