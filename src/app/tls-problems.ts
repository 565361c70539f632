import { readFileSync } from 'node:fs'
import {
  type ConfigDocument,
  type DocumentProblem,
  type ListenerConfig,
  problemsOf,
  type UpstreamConfig,
  within,
} from '../config/index.ts'
import { CertificateTable, checkAuthorities, type PemFile, readCertificate, readKey } from '../core/index.ts'

/** Everything that is wrong with the files that TLS is spoken with, towards clients and towards upstreams. */
export function tlsProblems({ listeners, upstreams }: Pick<ConfigDocument, 'listeners' | 'upstreams'>) {
  return [
    ...Object.entries(listeners).flatMap(([name, { tls }]) =>
      tls === undefined ? [] : within(['listeners', name, 'tls'], listenerProblems(tls)),
    ),
    ...Object.entries(upstreams).flatMap(([name, { tls }]) =>
      within(['upstreams', name, 'tls'], [...authorityProblems('ca', tls.ca), ...clientProblems(tls)]),
    ),
  ]
}

function listenerProblems(tls: NonNullable<ListenerConfig['tls']>): DocumentProblem[] {
  return [
    ...tls.certificates.flatMap(({ cert, key }, at) =>
      within(['certificates', at], pairProblems(cert, key, `TLSv${tls.min_version}`)),
    ),
    ...authorityProblems('client_ca', tls.client_ca),
  ]
}

/** A certificate that the gateway shows itself. One without the other is refused by the checks of the document. */
function clientProblems({ cert, key, min_version }: UpstreamConfig['tls']): DocumentProblem[] {
  return cert === undefined || key === undefined ? [] : pairProblems(cert, key, `TLSv${min_version}`)
}

function pairProblems(cert: string, key: string, minVersion: 'TLSv1.2' | 'TLSv1.3'): DocumentProblem[] {
  const single = [
    ...problemsOf(['cert'], () => readCertificate(pemOf(cert))),
    ...problemsOf(['key'], () => readKey(pemOf(key))),
  ]
  if (single.length > 0) return single
  const pair = { cert: pemOf(cert), key: pemOf(key) }
  return problemsOf([], () => new CertificateTable([pair], { minVersion, clientCa: [] }))
}

function authorityProblems(name: 'ca' | 'client_ca', file: string | undefined): DocumentProblem[] {
  return file === undefined ? [] : problemsOf([name], () => checkAuthorities(pemOf(file)))
}

function pemOf(file: string): PemFile {
  try {
    return { file, pem: readFileSync(file, 'utf8') }
  } catch (error) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
    if (code === 'ENOENT') throw new Error(`there is no file ${file}`)
    if (code === 'EISDIR') throw new Error(`${file} is a folder, not a file`)
    if (code === 'EACCES' || code === 'EPERM') throw new Error(`${file} may not be read by this user`)
    throw new Error(`${file} cannot be read${code === null ? '' : ` (${code})`}`)
  }
}
