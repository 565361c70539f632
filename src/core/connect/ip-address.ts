import { isIP, isIPv4, isIPv6 } from 'node:net'

/** An address as a number. */
export interface IpAddress {
  readonly family: 4 | 6
  readonly value: bigint
}

/** A range of addresses of one family. */
export interface Cidr {
  readonly family: 4 | 6
  readonly first: bigint
  /** Bits that every address of the range shares. */
  readonly prefix: number
}

const BITS = { 4: 32, 6: 128 } as const

/**
 * Reads an address in the one spelling that Node connects to without asking a resolver; null for everything else.
 * `127.1` or `0x7f.1` are names here: {@link canonicalHost} says which address they mean.
 */
export function parseAddress(text: string): IpAddress | null {
  if (isIPv4(text)) {
    let value = 0n
    for (const part of text.split('.')) value = (value << 8n) | BigInt(part)
    return { family: 4, value }
  }
  if (!isIPv6(text)) return null
  // The parser of URLs writes every spelling as groups of hexadecimal digits with at most one "::"; it knows no zones.
  const canonical = new URL(`http://[${text.replace(/%.*$/s, '')}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const gap = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0')
  let value = 0n
  for (const group of [...before, ...gap, ...after]) value = (value << 16n) | BigInt(`0x${group}`)
  return { family: 6, value }
}

/** Reads `10.0.0.0/8`, `fc00::/7`, or one address; null for anything else, bits after the prefix included. */
export function parseCidr(text: string): Cidr | null {
  const [, base = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = parseAddress(base)
  if (address === null) return null
  const bits = BITS[address.family]
  const prefix = length === undefined ? bits : Number(length)
  if (prefix > bits || BigInt.asUintN(bits - prefix, address.value) !== 0n) return null
  return { family: address.family, first: address.value, prefix }
}

/** True when the range contains the address; families never mix. */
export function contains(cidr: Cidr, { family, value }: IpAddress): boolean {
  const shift = BigInt(BITS[cidr.family] - cidr.prefix)
  return family === cidr.family && value >> shift === cidr.first >> shift
}

/** True for a range of one address. */
export function isSingle(cidr: Cidr): boolean {
  return cidr.prefix === BITS[cidr.family]
}

/**
 * The form in which a host is judged and connected to: an address, or a name in lower case without its last dot. All
 * spellings of an address that a resolver would take for one (`127.1`, `0x7f.1`, `2130706433`, `017700000001`) become
 * that address. Null for what is no host.
 */
export function canonicalHost(text: string): string | null {
  if (isIP(text) !== 0) return text
  // What ends or precedes the host in a URL, what a parser of URLs drops in silence, and letters that it would map.
  if (text === '' || /[^!-~]|[/\\?#@:[\]%]/.test(text)) return null
  const url = URL.parse(`http://${text}`)
  // A label between the dots is never empty.
  if (url === null || /^\.|\.\./.test(url.hostname)) return null
  const host = url.hostname.replace(/\.$/, '')
  return host.length === 0 || host.length > 253 ? null : host
}
