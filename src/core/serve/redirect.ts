import type { RouteConfig } from '../../config/index.ts'
import { GatewayError } from '../errors.ts'
import type { Hook } from '../phases.ts'
import { compileTemplate, type Template } from '../routes/template.ts'
import { reply } from './reply.ts'

export type RedirectConfig = NonNullable<RouteConfig['redirect']>

/** `https://host`, `//host` or `{scheme}://host` at the beginning of a target. */
const AUTHORITY = /^(?:[a-z][a-z0-9+.-]*:|\{scheme\}:)?\/\/[^/?#]*/i
/** A scheme, and what follows is no authority, as in `mailto:`. */
const OTHER_SCHEME = /^[a-z][a-z0-9+.-]*:/i
const PLACEHOLDER = /\{[a-z][a-zA-Z0-9._-]*\}/g
const REAL_AUTHORITY = /^(?:[a-z][a-z0-9+.-]*:)?\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i
/** What stands in a target as it is; `%` among them, for paths come encoded. */
const UNSAFE = /[^!#$%&'()*+,\-./0-9:;=?@A-Z[\]_a-z~]/gu

/**
 * The handler of a route with `redirect`. The place is the operator's: what the client sent can name a path and a query
 * in it, never another scheme or host. Throws a RangeError for an unknown placeholder, or one where the host stands.
 */
export function createRedirect(config: RedirectConfig): Hook {
  const target = compileTarget(config.to)
  return (x) => {
    const location = target(x)
    if (location === null) return new GatewayError('malformed_request', 'The request names no host to redirect to.')
    reply(x, config.status, ['location', location], '')
    return null
  }
}

type Target = (...of: Parameters<Template>) => string | null

function compileTarget(text: string): Target {
  const to = text.replaceAll(/[^\0-\x7f]+/gu, encodeURIComponent)
  const whole = compileTemplate(to)
  const found = AUTHORITY.exec(to)?.[0] ?? null
  if (found === null) {
    const isOther = OTHER_SCHEME.test(to)
    return (x) => (isOther ? encoded(whole(x)) : onThisHost(encoded(whole(x))))
  }
  const place = withoutTail(found)
  const authority = compileTemplate(place)
  const rest = compileTemplate(to.slice(place.length))
  return (x) => {
    const where = authority(x)
    if (!REAL_AUTHORITY.test(where)) return null
    const tail = encoded(rest(x))
    return tail === '' || /^[/?#]/.test(tail) ? where + tail : `${where}/${tail}`
  }
}

/** The host as far as it is the operator's: placeholders at its end, such as `{path}`, are what follows it. */
function withoutTail(authority: string): string {
  let place = authority
  for (;;) {
    const last = /\{[a-z][a-zA-Z0-9._-]*\}$/.exec(place)?.[0]
    if (last === undefined || last === '{host}') break
    place = place.slice(0, -last.length)
  }
  for (const [name] of place.matchAll(PLACEHOLDER)) {
    if (name === '{host}' || name === '{scheme}') continue
    throw new RangeError(`${name} stands where the host of a redirect is named, so a client could choose it`)
  }
  return place
}

/** A path and a query, whatever the values were: no scheme, and no second slash that would make a host of a name. */
function onThisHost(target: string): string {
  if (target.startsWith('/')) return target.replace(/^\/+/, '/')
  return /^[?#.]/.test(target) ? target : `/${target}`
}

function encoded(text: string): string {
  return text.replaceAll(UNSAFE, (character) => {
    const code = character.charCodeAt(0)
    // A header's bytes above ASCII are characters of latin1 here: encoded as the bytes that they were.
    return code > 0xff ? encodeURIComponent(character) : `%${code.toString(16).toUpperCase().padStart(2, '0')}`
  })
}
