import { createSocket } from 'node:dgram'
import type { TestContext } from 'node:test'

/** What the server knows of a name at the moment of a question. */
export interface DnsAnswer {
  /** IPv4 and IPv6 addresses; each goes to the questions of its family. */
  readonly addresses?: readonly string[]
  readonly ttlSeconds?: number
  /** Instead of addresses: the name does not exist, the server is out of order, or nothing is said at all. */
  readonly fault?: 'NXDOMAIN' | 'SERVFAIL' | 'silence'
}

export interface DnsServer {
  /** For `Resolver.setServers`. */
  readonly address: string
  /** Questions so far, e.g. `A example.test`. */
  readonly questions: string[]
}

const TYPES = new Map([
  [1, 'A'],
  [28, 'AAAA'],
])
const CODES = { NXDOMAIN: 3, SERVFAIL: 2 } as const

/** A name server on loopback that answers what `tell` says; closed with the test. */
export async function startDns(t: TestContext, tell: (name: string, type: string) => DnsAnswer): Promise<DnsServer> {
  const questions: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = questionOf(query)
    questions.push(`${type} ${name}`)
    const answer = tell(name, type)
    if (answer.fault !== 'silence') socket.send(encode(query.subarray(0, end), type, answer), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  t.after(() => socket.close())
  return { address: `127.0.0.1:${socket.address().port}`, questions }
}

/** RFC 1035, 4.1: twelve bytes of header, then labels with their lengths, the type and the class. */
function questionOf(query: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  const type = query.readUInt16BE(at + 1)
  return { name: labels.join('.').toLowerCase(), type: TYPES.get(type) ?? String(type), end: at + 5 }
}

function encode(question: Buffer, type: string, { addresses = [], ttlSeconds = 60, fault }: DnsAnswer): Buffer {
  const records = addresses.filter((address) => address.includes(':') === (type === 'AAAA')).map(bytesOf)
  const head = Buffer.from(question)
  // An answer, authoritative, recursion available.
  head.writeUInt16BE(0x8580 | (fault === undefined || fault === 'silence' ? 0 : CODES[fault]), 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  const encoded = records.map((data) => {
    const record = Buffer.alloc(12)
    // The name is that of the question, at byte 12.
    record.writeUInt16BE(0xc00c, 0)
    record.writeUInt16BE(data.length === 4 ? 1 : 28, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(ttlSeconds, 6)
    record.writeUInt16BE(data.length, 10)
    return Buffer.concat([record, data])
  })
  return Buffer.concat([head, ...encoded])
}

function bytesOf(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = address.split('::')
  const before = head.split(':').filter(Boolean)
  const after = (tail ?? '').split(':').filter(Boolean)
  const gap = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0')
  return Buffer.from([...before, ...gap, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex')
}
