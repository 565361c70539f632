import { promises as dns, lookup, type RecordWithTtl } from 'node:dns'

/** One address of a name, and for how many seconds its source vouches for it; null when it does not say. */
export interface Answer {
  readonly address: string
  readonly ttlSeconds: number | null
}

/** Asks for all addresses of a name, the preferred ones first. Rejects with a code of Node's resolver (ENOTFOUND…). */
export type NameSource = (name: string) => Promise<readonly Answer[]>

/** The system's own way: /etc/hosts, search domains, the order of RFC 6724. It never says how long an answer is good. */
export function systemNames(): NameSource {
  return (name) =>
    new Promise((resolve, reject) => {
      lookup(name, { all: true, order: 'verbatim' }, (error, addresses) => {
        if (error !== null) reject(error)
        else resolve(addresses.map(({ address }) => ({ address, ttlSeconds: null })))
      })
    })
}

export interface DnsServersOptions {
  /** Addresses, with a port after a colon where it is not 53; without them those of the system. */
  readonly servers?: readonly string[]
  /** For one try; each of `tries` asks every server. */
  readonly timeoutMs?: number
  readonly tries?: number
}

/** Neither is a fault of a name that has addresses of the other family only. */
const NO_SUCH_RECORD = new Set(['ENODATA', 'ENOTFOUND'])

/**
 * Asks DNS servers directly: answers come with their time to live, and no thread waits for them. It reads no
 * /etc/hosts and knows no search domains; `localhost` is left to the system (RFC 6761, 6.3).
 */
export function dnsNames({ servers, timeoutMs = 2_000, tries = 2 }: DnsServersOptions = {}): NameSource {
  const resolver = new dns.Resolver({ timeout: timeoutMs, tries })
  if (servers !== undefined) resolver.setServers([...servers])
  const system = systemNames()
  return async (name) => {
    if (/(?:^|\.)localhost$/.test(name)) return system(name)
    // IPv4 first: unlike the system, DNS does not know whether this machine has a way to IPv6 at all.
    const settled = await Promise.allSettled([
      resolver.resolve4(name, { ttl: true }),
      resolver.resolve6(name, { ttl: true }),
    ])
    const answers = settled.flatMap((each) => (each.status === 'fulfilled' ? each.value.map(answerOf) : []))
    if (answers.length > 0) return answers
    // A family that could not be asked may have addresses: that is no proof that the name has none.
    const errors = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as NodeJS.ErrnoException] : []))
    throw errors.find(({ code }) => !NO_SUCH_RECORD.has(code ?? '')) ?? errors[0] ?? notFound(name)
  }
}

function answerOf({ address, ttl }: RecordWithTtl): Answer {
  return { address, ttlSeconds: ttl }
}

/** An answer of no records at all. */
function notFound(name: string): Error {
  return Object.assign(new Error(`${name} has no address.`), { code: 'ENOTFOUND', hostname: name })
}
