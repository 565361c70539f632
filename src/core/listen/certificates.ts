import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { SecureContext } from 'node:tls'

/** The text of a PEM file, and what the file is called in messages. */
export interface PemFile {
  readonly file: string
  readonly pem: string
}

/** A certificate with its chain, and its key. */
export interface CertificateFiles {
  readonly cert: PemFile
  readonly key: PemFile
}

/** A certificate as it is served, without secrets. */
export interface CertificateInfo {
  readonly file: string
  /** Host names that it is served for, in lower case; `*.` in front stands for one label. */
  readonly names: readonly string[]
  readonly notAfter: Date
}

/** What a certificate is served with. */
export interface ContextSettings {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** PEM texts of the authorities whose client certificates are accepted. */
  readonly clientCa: readonly string[]
}

/** A file that TLS cannot be served with; the message names the file, never what it holds. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
  readonly code = 'bad_certificate'
}

/**
 * Certificates by server name: the exact name first, then a wildcard for its first label, then the first certificate of
 * the list, which also serves clients that name none. Throws a CertificateError for what cannot be served.
 */
export class CertificateTable {
  readonly infos: readonly CertificateInfo[]
  readonly fallback: SecureContext
  readonly #exact = new Map<string, SecureContext>()
  /** By what stands behind `*.`. */
  readonly #wildcard = new Map<string, SecureContext>()

  constructor(files: readonly CertificateFiles[], settings: ContextSettings) {
    const loaded = files.map((each) => load(each, settings))
    const [first] = loaded
    if (first === undefined) throw new CertificateError('TLS needs a certificate.')
    this.fallback = first.context
    this.infos = loaded.map(({ info }) => info)
    for (const { info, context } of loaded) {
      for (const name of info.names) {
        const [table, key] = name.startsWith('*.') ? [this.#wildcard, name.slice(2)] : [this.#exact, name]
        if (!table.has(key)) table.set(key, context)
      }
    }
  }

  /** The certificate for a name as a client sent it. */
  find(serverName: string): SecureContext {
    const name = serverName.toLowerCase()
    const exact = this.#exact.get(name)
    if (exact !== undefined) return exact
    const dot = name.indexOf('.')
    return (dot > 0 ? this.#wildcard.get(name.slice(dot + 1)) : undefined) ?? this.fallback
  }
}

function load({ cert, key }: CertificateFiles, settings: ContextSettings) {
  const certificate = readCertificate(cert)
  const privateKey = readKey(key)
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new CertificateError(`The key in ${key.file} does not belong to the certificate in ${cert.file}.`)
  }
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  const { minVersion, clientCa } = settings
  try {
    const ca = clientCa.length === 0 ? {} : { ca: [...clientCa] }
    const context = createSecureContext({ cert: cert.pem, key: key.pem, minVersion, ...ca })
    const notAfter = certificate.validToDate
    return { context, info: { file: cert.file, names: namesOf(certificate), notAfter } }
  } catch (error) {
    // The chain behind the first certificate is broken, or the key too weak. OpenSSL's code is safe to show.
    throw new CertificateError(`TLS cannot be served with ${cert.file} and ${key.file}${codeOf(error)}.`)
  }
}

/** Throws a CertificateError unless the file begins with a certificate. */
export function readCertificate({ file, pem }: PemFile): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new CertificateError(`${file} does not begin with a certificate in PEM${codeOf(error)}.`)
  }
}

/** Throws a CertificateError unless the file holds a private key that needs no passphrase. */
export function readKey({ file, pem }: PemFile): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw new CertificateError(`The key in ${file} is encrypted; the gateway takes keys without a passphrase.`)
  }
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new CertificateError(`${file} holds no private key in PEM${codeOf(error)}.`)
  }
}

/** Throws a CertificateError unless the file holds certificates, each of them readable. */
export function checkAuthorities({ file, pem }: PemFile): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs)
  if (blocks === null) throw new CertificateError(`${file} holds no certificate in PEM.`)
  for (const block of blocks) readCertificate({ file, pem: block })
}

function namesOf(certificate: X509Certificate): string[] {
  const { subjectAltName } = certificate
  if (subjectAltName !== undefined) {
    const names = subjectAltName.split(', ').filter((name) => name.startsWith('DNS:'))
    return names.map((name) => name.slice('DNS:'.length).toLowerCase())
  }
  const commonName = /^CN=(.+)$/m.exec(certificate.subject)?.[1]
  return commonName === undefined ? [] : [commonName.toLowerCase()]
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : ''
}
