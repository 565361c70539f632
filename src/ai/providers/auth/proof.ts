import { type ProviderConfig, readSecretFile } from '../../../config/index.ts'
import type { ProviderRow } from '../provider-row.ts'
import type { References } from '../references.ts'
import { machineKeys } from './aws-machine.ts'
import { profileKeys } from './aws-profile.ts'
import { webIdentityKeys, webIdentityOf } from './aws-web-identity.ts'
import { BearerToken } from './bearer-token.ts'
import type { Authenticator } from './credential-transport.ts'
import { entraTokens } from './entra.ts'
import { type Expiring, ExpiringValue } from './expiring.ts'
import { googleTokens } from './google.ts'
import { keyHeaders } from './key-headers.ts'
import { type AwsKeys, SigV4 } from './sigv4.ts'
import type { ConnectTo } from './token-server.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** One credential of a configuration, as far as it says who the gateway is. */
export type ProofConfig = Pick<ProviderConfig, 'api_key' | 'aws' | 'google' | 'entra'>

export interface ProofParts {
  readonly row: ProviderRow
  /** Where the credential stands, as the start of a key: `` or `credentials.0.`. */
  readonly place: string
  readonly references: References
  readonly environment: Environment
  readonly region: string | undefined
  readonly origin: string
  readonly connect: ConnectTo
  readonly now: () => number
  /** Is told each token that must not be shown; `source` tells whose it is. */
  readonly onToken: (source: object, token: string) => void
  /** The configuration names the header by which it says who it is itself. */
  readonly saysItself: boolean
}

/** How a credential is shown: headers that never change, or an authenticator. */
export interface Proof {
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly authenticator: Authenticator | null
}

const NOTHING: Proof = { headers: [], authenticator: null }

/** The proof of one credential; what the configuration leaves out, the kind's usual variables and the machine say. */
export function proofOf(config: ProofConfig, parts: ProofParts): Proof {
  const { row, place, references } = parts
  if (config.api_key !== undefined) return key(references.secret(`${place}api_key`, config.api_key), row)
  if (config.aws !== undefined) return signedBy(configuredKeys(config.aws, parts), parts)
  if (config.google !== undefined) return googleOf(config.google.service_account, parts)
  if (config.entra !== undefined) return entraOf(config.entra, parts)
  if (parts.saysItself) return NOTHING
  if (row.tokens === 'aws') return awsOfEnvironment(parts)
  if (row.tokens === 'google') return googleOf(undefined, parts)
  return NOTHING
}

function key(value: string, { key: scheme }: ProviderRow): Proof {
  return { headers: keyHeaders(scheme, value), authenticator: null }
}

function configuredKeys(config: NonNullable<ProofConfig['aws']>, { place, references }: ProofParts): AwsKeys {
  const { session_token: session } = config
  return {
    accessKeyId: references.text(`${place}aws.access_key_id`, config.access_key_id),
    secretAccessKey: references.secret(`${place}aws.secret_access_key`, config.secret_access_key),
    ...(session === undefined ? {} : { sessionToken: references.secret(`${place}aws.session_token`, session) }),
  }
}

function awsOfEnvironment(parts: ProofParts): Proof {
  const { environment, references, row } = parts
  const secret = (name: string) => references.secret('aws', `\${${name}}`)
  const isSet = (name: string) => (environment[name] ?? '') !== ''
  if (row.keyVariable !== null && isSet(row.keyVariable)) return key(secret(row.keyVariable), row)
  if (!isSet('AWS_ACCESS_KEY_ID') || !isSet('AWS_SECRET_ACCESS_KEY')) {
    const keys = new ExpiringValue(foundKeys(parts), parts.now, (fetched) => {
      parts.onToken(keys, fetched.secretAccessKey)
    })
    return signedBy(() => keys.get(), parts)
  }
  return signedBy(
    {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: secret('AWS_SECRET_ACCESS_KEY'),
      ...(isSet('AWS_SESSION_TOKEN') ? { sessionToken: secret('AWS_SESSION_TOKEN') } : {}),
    },
    parts,
  )
}

/** In the order of AWS's own chain: a profile that is named, a web identity, and what the container or the machine is. */
function foundKeys({ environment, connect, region = 'us-east-1', now }: ProofParts): () => Promise<Expiring<AwsKeys>> {
  const profile = environment['AWS_PROFILE'] ?? ''
  if (profile !== '') return profileKeys(profile, environment, now)
  const identity = webIdentityOf(environment)
  if (identity !== null) return webIdentityKeys(identity, { region, environment, connect })
  return machineKeys(environment, connect)
}

function signedBy(keys: AwsKeys | (() => AwsKeys | Promise<AwsKeys>), { region, origin, now }: ProofParts): Proof {
  const give = typeof keys === 'function' ? keys : () => keys
  const authenticator = new SigV4({ service: 'bedrock', region: region ?? 'us-east-1', origin, keys: give, now })
  return { headers: [], authenticator }
}

function googleOf(said: string | undefined, parts: ProofParts): Proof {
  const { environment, place, references } = parts
  const file = environment['GOOGLE_APPLICATION_CREDENTIALS'] ?? ''
  const variable = 'VERTEX_AI_SERVICE_ACCOUNT_JSON'
  let content: string | null = null
  try {
    if (said !== undefined) content = references.secret(`${place}google.service_account`, said)
    else if ((environment[variable] ?? '') !== '') content = references.secret('google', `\${${variable}}`)
    else if (file !== '') content = readSecretFile(file)
    return token(googleTokens(content, parts), parts)
  } catch (error) {
    const message = error instanceof Error ? error.message : 'cannot be used'
    throw new Error(message.startsWith('providers.') ? message : `google.service_account: ${message}`)
  }
}

function entraOf(config: NonNullable<ProofConfig['entra']>, parts: ProofParts): Proof {
  const { place, references } = parts
  const { tenant, client_id: client, client_secret: secret, authority } = config
  const text = (name: string, value: string | undefined) =>
    value === undefined ? undefined : references.text(`${place}entra.${name}`, value)
  const identity = {
    tenant: text('tenant', tenant),
    clientId: text('client_id', client),
    clientSecret: secret === undefined ? undefined : references.secret(`${place}entra.client_secret`, secret),
    tokenFile: config.token_file,
    authority: text('authority', authority),
    scope: config.scope,
  }
  return token(entraTokens(identity, parts), parts)
}

function token(obtain: ConstructorParameters<typeof BearerToken>[0], { now, onToken }: ProofParts): Proof {
  const authenticator = new BearerToken(obtain, now, (value) => onToken(authenticator, value))
  return { headers: [], authenticator }
}
