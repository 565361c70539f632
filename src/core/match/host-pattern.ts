/**
 * Hosts of rules and of requests in one form: lower case, without port and without the dot that may end a full name;
 * IPv6 addresses in brackets, in their shortest spelling; names beyond ASCII as `xn--…`.
 */
import { domainToASCII } from 'node:url'
import { PatternError } from './pattern-error.ts'

/** A host as a rule has it. */
export type HostPattern =
  | { readonly kind: 'exact'; readonly host: string }
  /** `suffix` begins with a dot. One label or more stands before it: `*.example.com` takes `a.example.com` and
   * `a.b.example.com`, not `example.com`. */
  | { readonly kind: 'wildcard'; readonly suffix: string }

/** The longest name that DNS has. */
const MAX_HOST_CHARS = 253
const NAME = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/

/** Compiles `example.com`, `*.example.com`, `127.0.0.1` or `[::1]`, or throws a PatternError. */
export function compileHost(text: string): HostPattern {
  const isWildcard = text.startsWith('*.')
  const name = isWildcard ? text.slice(2) : text
  if (name.startsWith('[') && !isWildcard) {
    const host = canonicalAddress(name)
    if (host === null || !name.endsWith(']'))
      throw new PatternError(`the host "${text}" is no IPv6 address in brackets`)
    return { kind: 'exact', host }
  }
  if (name.includes('*')) throw new PatternError(`the host "${text}" has a "*" elsewhere than in front, as in *.a.com`)
  if (name.includes(':')) {
    throw new PatternError(`the host "${text}" has a colon; leave the port away, and put IPv6 addresses in brackets`)
  }
  const host = domainToASCII(name.endsWith('.') ? name.slice(0, -1) : name)
  if (!NAME.test(host) || host.length > MAX_HOST_CHARS) throw new PatternError(`the host "${text}" is no host name`)
  return isWildcard ? { kind: 'wildcard', suffix: `.${host}` } : { kind: 'exact', host }
}

/** The one form of a request's host, from its `Host` line; empty when there is none, or none that can exist. */
export function canonicalHost(host: string | null): string {
  if (host === null) return ''
  if (host.charCodeAt(0) === 0x5b) return canonicalAddress(host) ?? ''
  const colon = host.indexOf(':')
  let end = colon < 0 ? host.length : colon
  if (end > 0 && host.charCodeAt(end - 1) === 0x2e) end--
  if (end > MAX_HOST_CHARS) return ''
  return (end === host.length ? host : host.slice(0, end)).toLowerCase()
}

/** A bracketed IPv6 address in its shortest form, without the port behind it; null when it is none. */
function canonicalAddress(host: string): string | null {
  const end = host.indexOf(']')
  const url = URL.parse(`http://${host.slice(0, end + 1)}/`)
  return end < 0 || url === null ? null : url.hostname
}
