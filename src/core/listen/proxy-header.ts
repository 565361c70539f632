import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/** What a PROXY header says of the connection behind a proxy; the address is null when it tells none. */
export interface ProxyHeader {
  readonly address: string | null
  /** Bytes of the header. */
  readonly length: number
}

/** `more`: these may be the first bytes of a header. `none`: they are not. */
export type ProxyHeaderRead = ProxyHeader | 'more' | 'none' | 'invalid'

/** The longest header of version 1, its CRLF included (PROXY protocol, 2.1). */
export const MAX_V1_BYTES = 107
/** What follows the first 16 bytes of version 2: addresses, and fields of which none is used. */
export const MAX_V2_BYTES = 4_096

const V1_START = Buffer.from('PROXY ')
const V2_START = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const V2_HEAD_BYTES = 16
const PORT = /^(?:0|[1-9][0-9]{0,4})$/
/** By the upper half of byte 13: the length of an address, and what its kind is called. */
const V2_FAMILIES: Readonly<Record<number, { readonly bytes: number; readonly family: 'ipv4' | 'ipv6' }>> = {
  1: { bytes: 4, family: 'ipv4' },
  2: { bytes: 16, family: 'ipv6' },
}

/**
 * Reads a header of the PROXY protocol, version 1 or 2, from the first bytes of a connection (haproxy.org,
 * proxy-protocol.txt, 2020-03-05). Strict: what is not written as the document says is `invalid`.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeaderRead {
  if (begins(bytes, V2_START)) return bytes.length < V2_HEAD_BYTES ? 'more' : readV2(bytes)
  if (begins(bytes, V1_START)) return bytes.length < V1_START.length ? 'more' : readV1(bytes)
  return bytes.length === 0 ? 'more' : 'none'
}

/** True when the bytes are a beginning, or all and more, of `start`. */
function begins(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return length > 0 && bytes.subarray(0, length).equals(start.subarray(0, length))
}

function readV1(bytes: Buffer): ProxyHeaderRead {
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf('\r\n')
  if (end < 0) return bytes.length < MAX_V1_BYTES ? 'more' : 'invalid'
  const length = end + 2
  const [, kind, source, target, sourcePort, targetPort, ...rest] = bytes.toString('latin1', 0, end).split(' ')
  // What follows UNKNOWN is to be ignored.
  if (kind === 'UNKNOWN') return { address: null, length }
  const isAddress = kind === 'TCP4' ? isIPv4 : kind === 'TCP6' ? isPlainIPv6 : null
  if (isAddress === null || source === undefined || target === undefined || rest.length > 0) return 'invalid'
  if (!isAddress(source) || !isAddress(target) || !isPort(sourcePort) || !isPort(targetPort)) return 'invalid'
  return { address: plainAddress(source, kind === 'TCP4' ? 'ipv4' : 'ipv6'), length }
}

function readV2(bytes: Buffer): ProxyHeaderRead {
  const version = bytes.readUInt8(12)
  const kind = bytes.readUInt8(13)
  const following = bytes.readUInt16BE(14)
  const command = version & 0x0f
  if (version >> 4 !== 2 || command > 1 || kind >> 4 > 3 || (kind & 0x0f) > 2) return 'invalid'
  if (following > MAX_V2_BYTES) return 'invalid'
  const length = V2_HEAD_BYTES + following
  if (bytes.length < length) return 'more'
  const family = V2_FAMILIES[kind >> 4]
  // LOCAL is the proxy speaking for itself; other families have no address that a peer could have here.
  if (command === 0 || family === undefined) return { address: null, length }
  // A datagram is no connection.
  if ((kind & 0x0f) === 2) return 'invalid'
  // Two addresses and two ports.
  if (following < 2 * family.bytes + 4) return 'invalid'
  const address = bytes.subarray(V2_HEAD_BYTES, V2_HEAD_BYTES + family.bytes)
  const text = family.family === 'ipv4' ? address.join('.') : address.toString('hex').replace(/(.{4})(?=.)/g, '$1:')
  return { address: plainAddress(text, family.family), length }
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && PORT.test(text) && Number(text) <= 65_535
}

/** Without a zone, which means something on one machine only. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}

/** The one spelling of an address; IPv4 in IPv6 is IPv4. */
function plainAddress(text: string, family: 'ipv4' | 'ipv6'): string {
  const { address } = new SocketAddress({ address: text, family })
  const carried = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : ''
  return isIPv4(carried) ? carried : address
}
