import type { ConfigDocument, ProviderConfig } from '../../config/index.ts'
import { isCredentialHeader, resolveReference } from '../../config/index.ts'
import type { Timeouts, Transport, Upstream } from '../../core/index.ts'
import type { SealFamily } from '../dialects/name.ts'
import type { Endpoint } from './endpoint.ts'
import { endpointsOf } from './endpoints.ts'
import { providerRow } from './table.ts'

/** Opens, or finds again, the connections to an origin; plans that follow each other share them. */
export interface TransportSource {
  connect(options: { origin: string; connectTimeoutMs: number; maxConnections: number }): Transport
  /** The upstream inside the process. */
  readonly demo: Transport
}

/** A provider ready to be addressed. */
export interface ProviderUpstream {
  readonly kind: string
  /** Path of the API's root on the host, without the last slash. */
  readonly root: string
  readonly upstream: Upstream
  readonly endpoints: readonly Endpoint[]
  readonly family: SealFamily
  /** Flat; the credential is among them. */
  readonly headers: readonly string[]
  readonly secrets: readonly string[]
}

/** A shorter part of a value, such as the name of a region, would be found in texts that reveal nothing. */
const SHORTEST_PART = 8

type Environment = Readonly<Record<string, string | undefined>>

/** Builds one provider's upstream; references are resolved here and nowhere earlier. Throws an Error that names the key. */
export function buildProvider(
  name: string,
  config: ProviderConfig,
  document: ConfigDocument,
  environment: Environment,
  transports: TransportSource,
): ProviderUpstream {
  const row = providerRow(config.kind)
  if (row === null) throw new Error(`providers.${name}.kind: there is no kind "${config.kind}"`)
  const secrets = new Set<string>()
  const resolve = (key: string, text: string): string => {
    const result = resolveReference(text, environment)
    if (!result.ok) throw new Error(`providers.${name}.${key}: ${result.missing}`)
    const value = result.secret.reveal()
    if (isSecret(key, value !== text)) {
      secrets.add(value)
      // What is shown elsewhere may be the token without its scheme, or one reference of several.
      const parts = [value.split(' ').at(-1) ?? '', ...result.parts.map((part) => part.reveal())]
      for (const part of parts) if (part.length >= SHORTEST_PART) secrets.add(part)
    }
    return value
  }
  const timeouts = mergeTimeouts(config, document)
  if (config.kind === 'demo') {
    const upstream = { name, origin: 'demo:', transport: transports.demo, timeouts }
    return {
      kind: config.kind,
      root: '/v1',
      upstream,
      endpoints: endpointsOf(row, '/v1'),
      family: row.family,
      headers: ['content-type', 'application/json'],
      secrets: [],
    }
  }
  const base = config.base_url === undefined ? row.baseUrl : resolve('base_url', config.base_url)
  if (base === null) throw new Error(`providers.${name}.base_url: the kind ${config.kind} needs one`)
  const url = new URL(base)
  const transport = transports.connect({
    origin: url.origin,
    connectTimeoutMs: timeouts.connectMs,
    maxConnections: config.max_connections,
  })
  // By name: of two values for one header an upstream would choose.
  const headers = new Map([
    ['content-type', 'application/json'],
    ['accept-encoding', 'identity'],
  ])
  if (config.api_key !== undefined) {
    const key = resolve('api_key', config.api_key)
    if (row.auth === 'x-api-key') headers.set('x-api-key', key)
    else headers.set('authorization', `Bearer ${key}`)
  }
  if (config.organization !== undefined)
    headers.set('openai-organization', resolve('organization', config.organization))
  for (const [header, text] of Object.entries(config.headers)) {
    headers.set(header.toLowerCase(), resolve(`headers.${header}`, text))
  }
  const root = url.pathname.replace(/\/+$/, '')
  return {
    kind: config.kind,
    root,
    upstream: { name, origin: url.origin, transport, timeouts },
    family: row.family,
    endpoints: endpointsOf(row, root),
    headers: [...headers].flat(),
    secrets: [...secrets],
  }
}

/** The key, and a header that is a credential by its name or because its value is kept elsewhere. */
function isSecret(key: string, isKeptElsewhere: boolean): boolean {
  const header = /^headers\.(.*)$/.exec(key)?.[1]
  return key === 'api_key' || (header !== undefined && (isKeptElsewhere || isCredentialHeader(header)))
}

function mergeTimeouts(config: ProviderConfig, document: ConfigDocument): Timeouts {
  const own = config.timeouts
  const shared = document.timeouts
  return {
    connectMs: own.connect ?? shared.connect,
    firstByteMs: own.first_byte ?? shared.first_byte,
    firstByteStreamMs: own.first_byte_stream ?? shared.first_byte_stream,
    idleMs: own.idle ?? shared.idle,
    totalMs: own.total ?? shared.total,
  }
}
