import { readSecretFile } from '../../../config/index.ts'
import { GatewayError } from '../../../core/index.ts'
import type { Expiring } from './expiring.ts'
import type { AwsKeys } from './sigv4.ts'
import { askServer, type ConnectTo } from './token-server.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Who a workload is by a token of its platform (Kubernetes' service accounts, pipelines). */
export interface WebIdentity {
  readonly roleArn: string
  readonly tokenFile: string
  readonly session: string
}

/** What the environment says of it; null: nothing. */
export function webIdentityOf(environment: Environment): WebIdentity | null {
  const { AWS_ROLE_ARN: roleArn = '', AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile = '' } = environment
  const session = environment['AWS_ROLE_SESSION_NAME'] ?? ''
  return roleArn === '' || tokenFile === '' ? null : { roleArn, tokenFile, session: session || 'ferro-gateway' }
}

/** Keys of a role for that token (AWS STS, "AssumeRoleWithWebIdentity"); the file is read each time, as it is rotated. */
export function webIdentityKeys(
  { roleArn, tokenFile, session }: WebIdentity,
  {
    region,
    environment,
    connect,
  }: { readonly region: string; readonly environment: Environment; readonly connect: ConnectTo },
): () => Promise<Expiring<AwsKeys>> {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const url = new URL(environment['AWS_ENDPOINT_URL_STS'] || `https://sts.${region}.${suffix}/`)
  return async () => {
    const form = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: session,
      WebIdentityToken: tokenIn(tokenFile),
    })
    const reply = await askServer(
      { name: "AWS's token service", url, connect },
      {
        method: 'POST',
        headers: ['content-type', 'application/x-www-form-urlencoded'],
        body: form.toString(),
      },
    )
    return keysOf(reply.body.toString('utf8'))
  }
}

/** The service answers in XML, or in JSON where it takes the accept header at its word: the members are called the same. */
function keysOf(text: string): Expiring<AwsKeys> {
  const member = (name: string) => {
    const pattern = new RegExp(`<${name}>([^<]+)</${name}>|"${name}"\\s*:\\s*"?([^",}]+)`)
    const [, xml, json] = pattern.exec(text) ?? []
    return xml ?? json
  }
  const [id, secret, session, until] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'].map(member)
  // JSON has seconds, XML a date.
  const expiresAt =
    until === undefined ? Number.NaN : /^[\d.E+]+$/.test(until) ? Number(until) * 1_000 : Date.parse(until)
  if (id === undefined || secret === undefined || session === undefined || Number.isNaN(expiresAt)) {
    throw new GatewayError('upstream_unavailable', "AWS's token service answered without keys.")
  }
  return { value: { accessKeyId: id, secretAccessKey: secret, sessionToken: session }, expiresAt }
}

function tokenIn(file: string): string {
  try {
    return readSecretFile(file)
  } catch (cause) {
    throw new GatewayError('upstream_auth', 'The token file of the web identity cannot be read.', { cause })
  }
}
