import type { X509Certificate } from 'node:crypto'

/** A client's certificate that an authority of the listener has signed. */
export interface ClientCertificate {
  /** Its subject in one line of printable ASCII, in its own order and escaped as RFC 4514 says: `O=Example,CN=ops`. */
  readonly subject: string
  /** Names of the subject's parts, as OpenSSL abbreviates them, and their values as they are meant. */
  readonly attributes: readonly (readonly [name: string, value: string])[]
  /** SHA-256 of the whole certificate: 64 hexadecimal digits in lower case. */
  readonly fingerprint: string
  /** Its alternative names with their kind: `DNS:a.example`, `URI:spiffe://b`, `email:c@d`, `IP:192.0.2.1`. */
  readonly names: readonly string[]
}

/** Kinds of alternative names that say who somebody is, as OpenSSL calls them, and as they are called here. */
const KINDS: Readonly<Record<string, string>> = { DNS: 'DNS', URI: 'URI', email: 'email', 'IP Address': 'IP' }
/** One name of the list: Node quotes, as a text of JSON, what could be taken for more than one. */
const NAME = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?=, |$)/gy

/** What of a verified certificate says who its holder is; read once for each connection. */
export function describeCertificate(certificate: X509Certificate): ClientCertificate {
  const { subject, fingerprint256, subjectAltName } = certificate
  const parts = (subject ?? '').split('\n').flatMap((line) => line.split(' + '))
  return {
    subject: parts.map(inAscii).join(','),
    attributes: parts.flatMap((part) => attributeOf(part)),
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    names: subjectAltName === undefined ? [] : alternativeNames(subjectAltName),
  }
}

/** Several attributes that are one part of a name stand in one line, with ` + ` between: a plus of a value is escaped. */
function attributeOf(part: string): [string, string][] {
  const equals = part.indexOf('=')
  return equals <= 0 ? [] : [[part.slice(0, equals), unescaped(part.slice(equals + 1))]]
}

const ESCAPED = /(?:\\[0-9A-Fa-f]{2})+|\\(.)/gs

function unescaped(value: string): string {
  return value.replaceAll(ESCAPED, (whole, one: string | undefined) =>
    one === undefined ? Buffer.from(whole.replaceAll('\\', ''), 'hex').toString('utf8') : one,
  )
}

function inAscii(text: string): string {
  return text.replaceAll(/[^ -~]/gu, (character) =>
    Buffer.from(character)
      .toString('hex')
      .toUpperCase()
      .replaceAll(/../g, (byte) => `\\${byte}`),
  )
}

function alternativeNames(text: string): string[] {
  const names: string[] = []
  for (const [, kind = '', raw = ''] of text.matchAll(NAME)) {
    const called = KINDS[kind]
    if (called === undefined) continue
    const value = raw.startsWith('"') ? String(JSON.parse(raw)) : raw
    names.push(`${called}:${called === 'DNS' ? value.toLowerCase() : value}`)
  }
  return names
}
