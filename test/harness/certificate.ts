import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** A key and its certificate, both PEM, as `tls.createServer` takes them. */
export interface Certified {
  readonly key: string
  readonly cert: string
}

export interface CertificateParts {
  /** Names and IPv4 addresses that it is good for; other kinds with their kind in front: `URI:…`, `email:…`. */
  readonly names: readonly string[]
  /** Attributes in their order; a common name without it. */
  readonly subject?: readonly (readonly [name: 'CN' | 'O' | 'OU', value: string])[]
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** An authority made for one test: its certificate (PEM), and others that it signs. */
export interface Authority {
  readonly cert: string
  issue(parts: CertificateParts): Certified
}

const DAY_MS = 86_400_000
const TAG = { integer: 2, bits: 3, octets: 4, oid: 6, utf8: 12, sequence: 48, set: 49, time: 24, boolean: 1 } as const
/** Object identifiers, encoded. */
const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  CN: '550403',
  O: '55040a',
  OU: '55040b',
  basicConstraints: '551d13',
  alternativeNames: '551d11',
} as const

/** Makes an authority; nothing of it outlives the process, so no key is ever in a repository. */
export function createAuthority(name = 'Test authority'): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const isAuthority = extension(OID.basicConstraints, sequence(der(TAG.boolean, Buffer.of(0xff))))
  const signed = (called: string, publicKey: KeyObject, extensions: Buffer | null, parts: Partial<CertificateParts>) =>
    certificate({ issuer: name, subject: [['CN', called]], publicKey, extensions, signer: keys.privateKey, ...parts })
  return {
    cert: signed(name, keys.publicKey, isAuthority, {}),
    issue(parts) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const names = extension(OID.alternativeNames, sequence(...parts.names.map(alternativeName)))
      return {
        key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        cert: signed('Test server', own.publicKey, parts.names.length === 0 ? null : names, parts),
      }
    },
  }
}

interface Fields extends Partial<CertificateParts> {
  readonly issuer: string
  readonly subject: NonNullable<CertificateParts['subject']>
  readonly publicKey: KeyObject
  readonly extensions: Buffer | null
  readonly signer: KeyObject
}

/** A certificate of version 3 (RFC 5280, 4.1), PEM. */
function certificate(fields: Fields): string {
  const { notBefore = new Date(Date.now() - DAY_MS), notAfter = new Date(Date.now() + DAY_MS) } = fields
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const body = sequence(
    der(0xa0, der(TAG.integer, Buffer.of(2))),
    der(TAG.integer, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    algorithm,
    nameOf([['CN', fields.issuer]]),
    sequence(time(notBefore), time(notAfter)),
    nameOf(fields.subject),
    fields.publicKey.export({ type: 'spki', format: 'der' }),
    ...(fields.extensions === null ? [] : [der(0xa3, sequence(fields.extensions))]),
  )
  const signature = sign('sha256', body, fields.signer)
  const whole = sequence(body, algorithm, der(TAG.bits, Buffer.concat([Buffer.of(0), signature])))
  // No line may be empty, not even the last.
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** One element of ASN.1 in its distinguished encoding (X.690). */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), content])
}

const sequence = (...parts: Buffer[]): Buffer => der(TAG.sequence, Buffer.concat(parts))
const oid = (hex: string): Buffer => der(TAG.oid, Buffer.from(hex, 'hex'))
const time = (at: Date): Buffer => der(TAG.time, Buffer.from(at.toISOString().replace(/[-:T]|\.\d+/g, '')))

function nameOf(attributes: NonNullable<CertificateParts['subject']>): Buffer {
  return sequence(
    ...attributes.map(([name, value]) => der(TAG.set, sequence(oid(OID[name]), der(TAG.utf8, Buffer.from(value))))),
  )
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(TAG.octets, value))
}

function alternativeName(name: string): Buffer {
  if (/^[\d.]+$/.test(name)) return der(0x87, Buffer.from(name.split('.').map(Number)))
  const kind = /^(URI|email):(.*)$/s.exec(name)
  if (kind !== null) return der(kind[1] === 'URI' ? 0x86 : 0x81, Buffer.from(kind[2] ?? ''))
  return der(0x82, Buffer.from(name))
}
