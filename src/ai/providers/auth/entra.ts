import { readSecretFile } from '../../../config/index.ts'
import { GatewayError } from '../../../core/index.ts'
import type { Expiring } from './expiring.ts'
import { type ConnectTo, fetchToken } from './token-server.ts'

/** The API of models; tokens for it are taken by all of a resource's endpoints. */
const SCOPE = 'https://cognitiveservices.azure.com/.default'
const AUTHORITY = 'https://login.microsoftonline.com'
const IMDS = 'http://169.254.169.254/metadata/identity/oauth2/token'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Who asks Microsoft Entra for tokens: an application with a secret, one with a token of its platform, or the machine. */
export interface EntraIdentity {
  readonly tenant: string | undefined
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  /** A file with a token of the platform (Kubernetes), which changes: read anew each time. */
  readonly tokenFile: string | undefined
  /** Where tenants log in, where that is another place. */
  readonly authority: string | undefined
  /** What the token is for, where that is something else than the API of models. */
  readonly scope: string | undefined
}

export interface EntraParts {
  readonly connect: ConnectTo
  readonly now: () => number
}

/** Where a token of Microsoft Entra comes from (its "OAuth 2.0 client credentials flow" and "managed identities"). */
export function entraTokens(identity: EntraIdentity, { connect, now }: EntraParts): () => Promise<Expiring<string>> {
  const { tenant, clientId, clientSecret, tokenFile, authority = AUTHORITY, scope = SCOPE } = identity
  if (clientSecret === undefined && tokenFile === undefined) return managed(clientId, scope, { connect, now })
  if (tenant === undefined || clientId === undefined) throw new Error('a tenant and a client_id are needed')
  const url = new URL(`${authority.replace(/\/+$/, '')}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`)
  const server = { name: 'Microsoft Entra', url, connect }
  const common = { grant_type: 'client_credentials', client_id: clientId, scope }
  return async () => {
    const proof =
      clientSecret !== undefined
        ? { client_secret: clientSecret }
        : { client_assertion_type: ASSERTION_TYPE, client_assertion: assertionOf(tokenFile ?? '') }
    return await fetchToken(server, { form: { ...common, ...proof } }, now)
  }
}

function managed(
  clientId: string | undefined,
  scope: string,
  { connect, now }: EntraParts,
): () => Promise<Expiring<string>> {
  const url = new URL(IMDS)
  url.searchParams.set('api-version', '2018-02-01')
  url.searchParams.set('resource', scope.replace(/\/\.default$/, ''))
  if (clientId !== undefined) url.searchParams.set('client_id', clientId)
  const server = { name: "Azure's metadata server", url, connect }
  return () => fetchToken(server, { headers: ['metadata', 'true'] }, now)
}

function assertionOf(path: string): string {
  try {
    return readSecretFile(path)
  } catch (cause) {
    throw new GatewayError('upstream_auth', 'The token file of the platform cannot be read.', { cause })
  }
}
