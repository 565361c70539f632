import { BlockList, isIP } from 'node:net'
import type { RequestHead } from '../http1/request-head.ts'

/** A proxy may name at most so many in front of it. */
const MAX_HOPS = 32

/** Compiles addresses and networks; throws a TypeError for what is neither. */
export function compileNetworks(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (isIP(address) === 0) throw new TypeError(`"${network}" is no address or network`)
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

export function isIn(list: BlockList, address: string): boolean {
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** Who asks, and over what, once the proxies that are trusted have been listened to. */
export interface ClientOrigin {
  readonly address: string
  readonly scheme: 'http' | 'https'
  /** The host that the client named, as far as a trusted proxy says; else the Host header. */
  readonly host: string
  /** The peer is a trusted proxy. */
  readonly trusted: boolean
}

/** Headers in which a proxy can say who its client is. */
export const FORWARDING_HEADERS = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded'] as const

/** Proxies that are believed, and the headers that they write: others may be what a client sent through them. */
export interface Trust {
  readonly proxies: BlockList
  readonly headers: ReadonlySet<(typeof FORWARDING_HEADERS)[number]>
}

/**
 * Reads `Forwarded` (RFC 7239) or `X-Forwarded-For`, `-Proto`, `-Host`, whichever the proxies write, from right to left
 * as long as each hop is trusted: what stands further left was written by somebody who is not.
 */
export function originOf(
  head: RequestHead,
  peer: { readonly address: string; readonly scheme: 'http' | 'https' },
  { proxies: trusted, headers }: Trust,
): ClientOrigin {
  const own = { address: peer.address, scheme: peer.scheme, host: head.host ?? '', trusted: false }
  if (!isIn(trusted, peer.address)) return own
  const hops = headers.has('forwarded') ? forwarded(head) : headers.has('x-forwarded-for') ? forwardedFor(head) : []
  let address = peer.address
  let nearest: Hop | null = null
  /** How many proxies stand between the gateway and the one that the client is connected to. */
  let between = 0
  for (let at = hops.length - 1; at >= 0; at--) {
    const hop = hops[at] as Hop // in range
    nearest ??= hop
    if (hop.address === null) break
    address = hop.address
    nearest = hop
    between = hops.length - 1 - at
    if (!isIn(trusted, address)) break
  }
  const said = (name: 'x-forwarded-proto' | 'x-forwarded-host') => {
    if (!headers.has(name)) return undefined
    const values = valuesOf(head, name)
    // Each proxy adds one, as to the addresses; those that replace what they were given leave one for all.
    return values[Math.max(0, values.length - 1 - between)]
  }
  const scheme = nearest?.scheme ?? schemeOf(said('x-forwarded-proto') ?? '') ?? peer.scheme
  const host = nearest?.host ?? said('x-forwarded-host') ?? own.host
  return { address, scheme, host, trusted: true }
}

interface Hop {
  readonly address: string | null
  readonly scheme: 'http' | 'https' | null
  readonly host: string | null
}

function forwardedFor(head: RequestHead): Hop[] {
  return valuesOf(head, 'x-forwarded-for')
    .slice(-MAX_HOPS)
    .map((value) => ({ address: addressOf(value), scheme: null, host: null }))
}

function forwarded(head: RequestHead): Hop[] {
  return valuesOf(head, 'forwarded')
    .slice(-MAX_HOPS)
    .map((element) => {
      let address: string | null = null
      let scheme: Hop['scheme'] = null
      let host: string | null = null
      for (const pair of element.split(';')) {
        const [name = '', ...rest] = pair.split('=')
        const value = rest
          .join('=')
          .trim()
          .replace(/^"(.*)"$/, '$1')
        if (name.trim().toLowerCase() === 'for') address = addressOf(value)
        else if (name.trim().toLowerCase() === 'proto') scheme = schemeOf(value)
        else if (name.trim().toLowerCase() === 'host') host = value
      }
      return { address, scheme, host }
    })
}

/** Members of all lines of a list header, in order. */
function valuesOf(head: RequestHead, name: string): string[] {
  return head.values
    .filter((_, at) => head.names[at] === name)
    .flatMap((line) => line.split(',').map((part) => part.trim()))
}

/** `1.2.3.4`, `1.2.3.4:5`, `[::1]:5`, `::1`; null for `unknown`, hidden names and nonsense. */
function addressOf(text: string): string | null {
  if (isIP(text) !== 0) return text
  const bracketed = /^\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?$/.exec(text)?.[1]
  const candidate = bracketed ?? /^([0-9.]+):\d{1,5}$/.exec(text)?.[1] ?? ''
  return isIP(candidate) === 0 ? null : candidate
}

function schemeOf(text: string): 'http' | 'https' | null {
  const lower = text.toLowerCase()
  return lower === 'http' || lower === 'https' ? lower : null
}
