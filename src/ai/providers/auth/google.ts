import { GatewayError } from '../../../core/index.ts'
import { isObject } from '../../ir/json.ts'
import type { Expiring } from './expiring.ts'
import { type ConnectTo, fetchToken } from './token-server.ts'

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const TOKEN_URL = 'https://oauth2.googleapis.com/token'
/** By its address: the policy for connections opens a metadata service to nothing else. */
const METADATA_ORIGIN = 'http://169.254.169.254'
const METADATA_PATH = '/computeMetadata/v1/instance/service-accounts/default/token'
const JWT_LIFETIME_SECONDS = 3_600
const NAME = "Google's token server"

export interface GoogleParts {
  readonly connect: ConnectTo
  readonly now: () => number
}

/** Where a token of Google comes from: the content of a credentials file, or, without one, the machine's own account. */
export function googleTokens(credentials: string | null, parts: GoogleParts): () => Promise<Expiring<string>> {
  return credentials === null ? () => metadataToken(parts) : fileTokens(credentials, parts)
}

/** Throws an Error that says what is wrong with the content, and shows none of it. */
function fileTokens(text: string, parts: GoogleParts): () => Promise<Expiring<string>> {
  const file = parsed(text)
  const member = (name: string): string => {
    const value = file[name]
    if (typeof value !== 'string' || value === '') throw new Error(`the credentials file has no "${name}"`)
    return value
  }
  const url = new URL(typeof file['token_uri'] === 'string' ? file['token_uri'] : TOKEN_URL)
  const server = { name: NAME, url, connect: parts.connect }
  switch (file['type']) {
    case 'service_account': {
      const account = { email: member('client_email'), key: member('private_key'), keyId: file['private_key_id'] }
      return async () => {
        const assertion = await signed(account, url.href, parts.now)
        const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
        return await fetchToken(server, { form }, parts.now)
      }
    }
    case 'authorized_user': {
      const form = {
        grant_type: 'refresh_token',
        client_id: member('client_id'),
        client_secret: member('client_secret'),
        refresh_token: member('refresh_token'),
      }
      return () => fetchToken(server, { form }, parts.now)
    }
    default:
      throw new Error('the credentials file is of another type than service_account and authorized_user')
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Said below; the parser's own message would quote the text.
  }
  throw new Error('the credentials file is not a JSON object')
}

/** The JWT by which a service account asks for a token (RFC 7523; Google's "Using OAuth 2.0 for Server to Server"). */
async function signed(
  account: { readonly email: string; readonly key: string; readonly keyId: unknown },
  audience: string,
  now: () => number,
): Promise<string> {
  const { importPKCS8, SignJWT } = await import('jose')
  const issuedAt = Math.floor(now() / 1_000)
  try {
    const key = await importPKCS8(account.key, 'RS256')
    return await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({
        alg: 'RS256',
        typ: 'JWT',
        ...(typeof account.keyId === 'string' ? { kid: account.keyId } : {}),
      })
      .setIssuer(account.email)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + JWT_LIFETIME_SECONDS)
      .sign(key)
  } catch (cause) {
    throw new GatewayError('upstream_auth', 'The private key of the service account cannot be used.', { cause })
  }
}

function metadataToken({ connect, now }: GoogleParts): Promise<Expiring<string>> {
  const url = new URL(METADATA_PATH, METADATA_ORIGIN)
  return fetchToken({ name: "Google's metadata server", url, connect }, { headers: ['metadata-flavor', 'Google'] }, now)
}
