import type { RouteConfig } from '../../config/index.ts'
import type { Gate } from '../../core/index.ts'
import type { AuthParts } from './auth-parts.ts'
import { createBasicAuth } from './basic-auth.ts'
import { createCertificateAuth } from './certificate-auth.ts'
import { createForwardAuth } from './forward-auth.ts'
import { createJwtAuth } from './jwt-auth.ts'
import { createKeysAuth } from './keys-auth.ts'

export type RouteAuthConfig = NonNullable<RouteConfig['auth']>

/** The gates of a route's `auth`. Throws an Error that says what in it cannot be. */
export function createRouteAuth(config: RouteAuthConfig, parts: AuthParts): readonly Gate[] {
  const { keys, basic, jwt, certificate, forward } = config
  if (keys !== undefined) return createKeysAuth(keys, parts)
  if (basic !== undefined) return [createBasicAuth(basic, parts)]
  if (jwt !== undefined) return [createJwtAuth(jwt, parts)]
  if (certificate !== undefined) return [createCertificateAuth(certificate)]
  if (forward !== undefined) return [createForwardAuth(forward, parts)]
  // The schema lets only one of them through; a route whose section says nothing must not be open.
  throw new Error('auth: expected one of `keys`, `basic`, `jwt`, `certificate`, `forward`')
}
