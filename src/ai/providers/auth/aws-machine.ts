import { readSecretFile } from '../../../config/index.ts'
import { GatewayError } from '../../../core/index.ts'
import type { Expiring } from './expiring.ts'
import type { AwsKeys } from './sigv4.ts'
import { askServer, type ConnectTo, jsonOf } from './token-server.ts'

type Environment = Readonly<Record<string, string | undefined>>

const CONTAINER_ORIGIN = 'http://169.254.170.2'
const INSTANCE_ORIGIN = 'http://169.254.169.254'
const ROLES = '/latest/meta-data/iam/security-credentials/'
const SESSION_SECONDS = '21600'

/**
 * Keys of the role that a container or a machine has (AWS's "Container credential provider" and "IMDSv2").
 */
export function machineKeys(environment: Environment, connect: ConnectTo): () => Promise<Expiring<AwsKeys>> {
  const relative = environment['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']
  const full = environment['AWS_CONTAINER_CREDENTIALS_FULL_URI']
  if (isSaid(relative)) return () => containerKeys(new URL(relative, CONTAINER_ORIGIN), environment, connect)
  if (isSaid(full)) return () => containerKeys(new URL(full), environment, connect)
  return () => instanceKeys(connect)
}

async function containerKeys(url: URL, environment: Environment, connect: ConnectTo): Promise<Expiring<AwsKeys>> {
  const file = environment['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']
  const token = isSaid(file) ? tokenIn(file) : environment['AWS_CONTAINER_AUTHORIZATION_TOKEN']
  const headers = isSaid(token) ? ['authorization', token] : []
  const reply = await askServer(
    { name: 'the credential server of the container', url, connect },
    { method: 'GET', headers },
  )
  return keysOf(jsonOf(reply))
}

async function instanceKeys(connect: ConnectTo): Promise<Expiring<AwsKeys>> {
  const at = (path: string) => ({ name: "the machine's metadata server", url: new URL(path, INSTANCE_ORIGIN), connect })
  const session = await askServer(at('/latest/api/token'), {
    method: 'PUT',
    headers: ['x-aws-ec2-metadata-token-ttl-seconds', SESSION_SECONDS],
  })
  const headers = ['x-aws-ec2-metadata-token', session.body.toString('utf8').trim()]
  const roles = await askServer(at(ROLES), { method: 'GET', headers })
  const role = roles.body.toString('utf8').split('\n')[0]?.trim() ?? ''
  if (role === '') throw new GatewayError('upstream_auth', 'The machine has no role of AWS.')
  return keysOf(jsonOf(await askServer(at(`${ROLES}${encodeURIComponent(role)}`), { method: 'GET', headers })))
}

function keysOf(answer: Readonly<Record<string, unknown>> | null): Expiring<AwsKeys> {
  const { AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration: until } = answer ?? {}
  const expiresAt = typeof until === 'string' ? Date.parse(until) : Number.NaN
  if (typeof id !== 'string' || typeof secret !== 'string' || Number.isNaN(expiresAt)) {
    throw new GatewayError('upstream_unavailable', 'The server of credentials answered without keys.')
  }
  const session = typeof token === 'string' ? { sessionToken: token } : {}
  return { value: { accessKeyId: id, secretAccessKey: secret, ...session }, expiresAt }
}

function tokenIn(path: string): string {
  try {
    return readSecretFile(path)
  } catch (cause) {
    throw new GatewayError('upstream_auth', 'The token file of the container cannot be read.', { cause })
  }
}

function isSaid(value: string | undefined): value is string {
  return value !== undefined && value !== ''
}
