/**
 * The one canonical path of a request: decided once, then matched, authorised and forwarded. Whatever a server behind
 * the gateway could read as another path is refused, or, where a rule says so, brought into its only form:
 *
 *     /%61pi/users%2c1   unreserved characters are decoded, hex digits are upper case   /api/users%2C1
 *     /a|b               what a path may not hold raw is encoded                         /a%7Cb
 *     /a//b  /a/./b      refused, or /a/b where `segments` is `normalise`
 *     /a%2Fb             kept as it is; the route table refuses it unless the route takes it
 *     /a;b  /100%25      the same, where `marks` is `allow`
 *
 * Upper and lower case are different, and no Unicode form is changed: servers differ there, and bytes are what counts.
 */
import { GatewayError } from '../errors.ts'

/** What becomes of empty segments (`//`) and dot segments (`/./`, `/../`). */
export type SegmentRule = 'refuse' | 'normalise'

/** Whether `%2F`, a slash that is no separator, may stand in a path. */
export type EncodedSlashRule = 'refuse' | 'allow'

/** Whether a mark that servers read in two ways may stand in a path. */
export type MarkRule = 'refuse' | 'allow'

export interface PathRules {
  readonly segments: SegmentRule
  readonly encodedSlash: EncodedSlashRule
  /** Whether `;`, which begins parameters at some servers, and `%25` may stand in a path; `refuse` when it is not named. */
  readonly marks?: MarkRule
}

/** The usual path: no escapes, no empty segment, and no segment that begins with a dot. It is canonical as it stands. */
const PLAIN = /^\/(?:[\w~!$&'()*+,=:@-][\w.~!$&'()*+,=:@-]*(?:\/[\w~!$&'()*+,=:@-][\w.~!$&'()*+,=:@-]*)*\/?)?$/
/** Raw characters that may stand in a target: printable ASCII, no space, `#`, `?` or `\`. */
const RAW = /^\/[!-"$->@-[\]-~]*$/
/** What a server that cuts parameters off would find empty, or a dot segment. */
const UNCLEAN_BEFORE_PARAMETERS = /(?:\/|%2F)\.{0,2};/
/** Decoded twice it would be another character. */
const TWICE_ENCODED = /%25[0-9A-Fa-f]{2}/
const PARAMETERS = /;[^/]*/g
const ESCAPE = /%(?:[0-9a-fA-F]{2})?/g
const MUST_BE_ENCODED = /["<>[\]^`{|}]/g
const UNRESERVED = /[A-Za-z0-9._~-]/
/** Empty and dot segments of a server that takes an encoded slash for a separator. */
const UNCLEAN_BY_ENCODED_SLASH = /(?:\/|%2F)\.{0,2}%2F|%2F\.{0,2}\/|%2F\.{1,2}$/
const UNCLEAN = /\/\.{0,2}\/|\/\.{1,2}$/
/** Characters that mean the same to most servers whether encoded or not; a slash is among them. */
const RESERVED = /%(?:2[1467-9A-CF]|3[AD]|40)/g

/** The canonical form of a path (without its query string), or why there is none. */
export function canonicalPath(path: string, rules: PathRules): string | GatewayError {
  if (PLAIN.test(path)) return path
  if (!RAW.test(path)) return refused('must start with "/" and hold printable ASCII without "\\", "#" and spaces')
  if (rules.marks !== 'allow' && path.includes(';')) return refused('has a semicolon (;)')
  const spelled = path.includes('%') ? spellEscapes(path, rules.marks ?? 'refuse') : path
  if (typeof spelled !== 'string') return spelled
  const encoded = spelled.replace(MUST_BE_ENCODED, escapeOf)
  if (encoded.includes('%2F')) {
    if (rules.encodedSlash === 'refuse') return refused('has an encoded slash (%2F)')
    if (UNCLEAN_BY_ENCODED_SLASH.test(encoded)) return refused('has an empty or dot segment beside an encoded slash')
  }
  if (UNCLEAN_BEFORE_PARAMETERS.test(encoded)) return refused('has an empty or dot segment before a semicolon')
  if (!UNCLEAN.test(encoded)) return encoded
  if (rules.segments === 'refuse') return refused('has empty segments (//) or dot segments (/./, /../)')
  return resolveSegments(encoded)
}

/**
 * The path that a rewrite made, in canonical form, or why it is not forwarded. A rewrite can make what was refused at
 * the door (`/api` taken off `/api//admin`), and can lead to a place that a rule denies: both are looked at again.
 */
export function canonicalRewrite(
  path: string,
  rules: PathRules,
  isDenied: ((path: string) => boolean) | null,
): string | GatewayError {
  const canonical = canonicalPath(path, rules)
  if (typeof canonical !== 'string' || isDenied === null) return canonical
  const other = decodedReading(canonical)
  if (!isDenied(canonical) && (other === null || !isDenied(other))) return canonical
  return new GatewayError('not_found', 'The rewritten path is one that a rule denies.')
}

/**
 * The other way in which a server may read a canonical path, with reserved characters such as `%40` and `%2F`
 * decoded; null when there is no other. Both readings must lead to the same route.
 */
export function decodedReading(path: string): string | null {
  if (!path.includes('%')) return null
  const decoded = path.replace(RESERVED, characterOf)
  return decoded === path ? null : decoded
}

/** How a server reads a path that takes what follows a semicolon for parameters; null when there is no other way. */
export function readingWithoutParameters(path: string): string | null {
  return path.includes(';') ? path.replace(PARAMETERS, '') : null
}

/** Writes every escape in its one form, or refuses the path. */
function spellEscapes(path: string, marks: MarkRule): string | GatewayError {
  let problem: string | null = null
  const spelled = path.replace(ESCAPE, (encoding) => {
    const code = encoding.length === 3 ? Number.parseInt(encoding.slice(1), 16) : -1
    if (code < 0) problem ??= 'has a "%" without two hex digits'
    else if (code < 0x20 || code === 0x7f) problem ??= 'has an encoded control character'
    else if (code === 0x25 && marks === 'refuse') problem ??= 'has an encoded percent sign (%25)'
    else if (code === 0x5c || code === 0x3b) problem ??= 'has an encoded backslash or semicolon (%5C, %3B)'
    else if (code < 0x80 && UNRESERVED.test(String.fromCharCode(code))) return String.fromCharCode(code)
    return encoding.toUpperCase()
  })
  if (TWICE_ENCODED.test(spelled)) problem ??= 'is encoded twice (%25 before two hex digits)'
  if (problem === null && !isUtf8(spelled)) problem = 'has an encoding that is not UTF-8'
  return problem === null ? spelled : refused(problem)
}

function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false // overlong forms and lone bytes: servers differ in what they make of them
  }
}

/** Merges slashes first and resolves dot segments then, as the servers that do both do. */
function resolveSegments(path: string): string | GatewayError {
  const parts = path.split('/').slice(1)
  const last = parts.at(-1)
  const kept: string[] = []
  for (const part of parts) {
    if (part === '' || part === '.') continue
    if (part !== '..') kept.push(part)
    else if (kept.pop() === undefined) return refused('climbs above the root')
  }
  const isFolder = last === '' || last === '.' || last === '..'
  return `/${kept.join('/')}${isFolder && kept.length > 0 ? '/' : ''}`
}

function escapeOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

function characterOf(encoding: string): string {
  return String.fromCharCode(Number.parseInt(encoding.slice(1), 16))
}

function refused(what: string): GatewayError {
  return new GatewayError('invalid_target', `The path ${what}.`)
}
