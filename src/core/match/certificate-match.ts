/** Conditions on the certificate that a client has proved to hold, compiled once. Headers never tell of one. */
import type { ClientCertificate } from '../listen/client-certificate.ts'
import { PatternError } from './pattern-error.ts'
import { Wildcard } from './wildcard.ts'

/** What a certificate must have, all of it; of a list one is enough. `*` stands for any characters. */
export interface CertificateRule {
  /** By attribute of the subject: `CN`, `O`, `OU`. */
  readonly subject?: Readonly<Record<string, readonly string[]>> | undefined
  /** Alternative names with their kind: `DNS:*.example.com`, `URI:spiffe://example/*`. */
  readonly names?: readonly string[] | undefined
  /** SHA-256 of the certificate, in hexadecimal digits; colons may stand between them. */
  readonly fingerprint?: readonly string[] | undefined
}

/** True for a certificate that has what it must; never without one. */
export type CertificateTest = (certificate: ClientCertificate | null) => boolean

/** Compiles a rule, or throws a PatternError. A rule that asks for nothing takes every verified certificate. */
export function compileCertificateRule({ subject = {}, names, fingerprint }: CertificateRule): CertificateTest {
  const attributes = Object.entries(subject).map(([name, values]) => ({ name, is: anyOf(values) }))
  const isNamed = names === undefined ? null : anyOf(names.map(nameOf))
  const prints = fingerprint === undefined ? null : new Set(fingerprint.map(plainPrint))
  return (certificate) => {
    if (certificate === null) return false
    if (prints !== null && !prints.has(certificate.fingerprint)) return false
    if (isNamed !== null && !certificate.names.some(isNamed)) return false
    return attributes.every(({ name, is }) =>
      certificate.attributes.some(([held, value]) => held === name && is(value)),
    )
  }
}

function anyOf(patterns: readonly string[]): (value: string) => boolean {
  const wildcards = patterns.map((pattern) => new Wildcard(pattern))
  return (value) => wildcards.some((wildcard) => wildcard.matches(value, 0, value.length, null))
}

function nameOf(name: string): string {
  if (!/^(?:DNS|URI|email|IP):./.test(name)) {
    throw new PatternError(`"${name}" says no kind of name; write DNS:, URI:, email: or IP: in front`)
  }
  return name.startsWith('DNS:') ? `DNS:${name.slice('DNS:'.length).toLowerCase()}` : name
}

function plainPrint(text: string): string {
  const plain = text.replaceAll(':', '').toLowerCase()
  if (/^[0-9a-f]{64}$/.test(plain)) return plain
  throw new PatternError(`"${text}" is no SHA-256 of a certificate: 64 hexadecimal digits`)
}
