import type { Exchange, GatewayError, WAIT } from '../../core/index.ts'

/** Knows who holds a credential that is no key of this gateway. */
export interface PrincipalSource {
  /** Null when the credential is of another kind; else it has set the principal, says why not, or resumes the request later. */
  identify(x: Exchange, credential: string): GatewayError | 'identified' | typeof WAIT | null
}
