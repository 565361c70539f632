import type { RouteConfig } from '../../config/index.ts'
import { type ClientCertificate, compileCertificateRule, type Gate, GatewayError } from '../../core/index.ts'

export type CertificateConfig = NonNullable<NonNullable<RouteConfig['auth']>['certificate']>

/** Longer subjects are told by the fingerprint: a principal's id has to fit into a line. */
const LONGEST_ID = 200

/**
 * The certificate of the client's own connection, as the listener has verified it. The principal is `certificate:<subject>`, or
 * its first name where it has no subject. Throws an Error for a pattern that is none.
 */
export function createCertificateAuth(config: CertificateConfig): Gate {
  const isMeant = compileCertificateRule(config)
  return (x) => {
    const { certificate } = x.client
    if (certificate === null) return new GatewayError('forbidden', 'This needs a client certificate.')
    if (!isMeant(certificate)) return new GatewayError('forbidden', 'This client certificate may not do that.')
    x.principal = { id: `certificate:${idOf(certificate)}` }
    return null
  }
}

function idOf({ subject, names, fingerprint }: ClientCertificate): string {
  const id = subject === '' ? (names[0] ?? '') : subject
  return id === '' || id.length > LONGEST_ID || /[^ -~]/.test(id) ? fingerprint : id
}
