/** Which part of a request keeps it on one target, and its hash. */

/** Given instead of a hash when a request has no such part. */
export const NO_KEY = -1

export type KeySource =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string }
  | { readonly kind: 'address' }

/** What a key may be taken from. */
export interface KeyedRequest {
  /** The client's address, as decided by the rules for trusted proxies. */
  readonly address: string
  /** A header's value by its name in lower case; null when there is none. */
  header(name: string): string | null
}

/** The hash of a request's key, from 0 to 2³²-1, or NO_KEY. */
export function keyOf(source: KeySource, request: KeyedRequest): number {
  const text = textOf(source, request)
  return text === null || text === '' ? NO_KEY : hashText(text)
}

const MAPPED = '::ffff:'

function textOf(source: KeySource, request: KeyedRequest): string | null {
  switch (source.kind) {
    case 'header':
      return request.header(source.name)
    case 'cookie':
      return cookieOf(request.header('cookie'), source.name)
    case 'address': {
      // The same client on a listener of both families.
      const { address } = request
      return address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address
    }
  }
}

/** The first cookie of that name (RFC 6265, 4.2.1); null when there is none. */
export function cookieOf(header: string | null, name: string): string | null {
  if (header === null) return null
  for (let at = 0; at < header.length; ) {
    let end = header.indexOf(';', at)
    if (end < 0) end = header.length
    while (header.charCodeAt(at) === 0x20) at++
    if (header.startsWith(name, at) && header.charCodeAt(at + name.length) === 0x3d) {
      return header.slice(at + name.length + 1, end).trim()
    }
    at = end + 1
  }
  return null
}

/** FNV-1a over UTF-16 units, then a finaliser: short texts that differ in little end far apart. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return mix(hash)
}

/** The finaliser of MurmurHash3 (public domain): every bit of the result depends on every bit of the input. */
export function mix(hash: number): number {
  let bits = hash
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
