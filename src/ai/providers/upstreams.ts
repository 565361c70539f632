import type { ConfigDocument, ProviderConfig } from '../../config/index.ts'
import { resolveReference } from '../../config/index.ts'
import type { Timeouts, Transport, Upstream } from '../../core/index.ts'
import { providerRow } from './table.ts'

/** Opens, or finds again, the connections to an origin; plans that follow each other share them. */
export interface TransportSource {
  connect(options: { origin: string; connectTimeoutMs: number; maxConnections: number }): Transport
  /** The upstream inside the process. */
  readonly demo: Transport
}

/** A provider ready to be addressed. */
export interface ProviderUpstream {
  readonly upstream: Upstream
  /** Path of the API's root, without a slash at the end. */
  readonly root: string
  /** Flat; the credential is among them. */
  readonly headers: readonly string[]
  readonly secrets: readonly string[]
}

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
  const resolve = (key: string, text: string): string => {
    const result = resolveReference(text, environment)
    if (!result.ok) throw new Error(`providers.${name}.${key}: ${result.missing}`)
    return result.secret.reveal()
  }
  const timeouts = mergeTimeouts(config, document)
  if (config.kind === 'demo') {
    const upstream = { name, origin: 'demo:', transport: transports.demo, timeouts }
    return { upstream, root: '/v1', headers: ['content-type', 'application/json'], secrets: [] }
  }
  const base = config.base_url === undefined ? row.baseUrl : resolve('base_url', config.base_url)
  if (base === null) throw new Error(`providers.${name}.base_url: the kind ${config.kind} needs one`)
  const url = new URL(base)
  const transport = transports.connect({
    origin: url.origin,
    connectTimeoutMs: timeouts.connectMs,
    maxConnections: config.max_connections,
  })
  const headers = ['content-type', 'application/json', 'accept-encoding', 'identity']
  const secrets: string[] = []
  if (config.api_key !== undefined) {
    const key = resolve('api_key', config.api_key)
    secrets.push(key)
    headers.push('authorization', `Bearer ${key}`)
  }
  if (config.organization !== undefined)
    headers.push('openai-organization', resolve('organization', config.organization))
  for (const [header, text] of Object.entries(config.headers)) {
    const value = resolve(`headers.${header}`, text)
    if (value !== text) secrets.push(value)
    headers.push(header.toLowerCase(), value)
  }
  return {
    upstream: { name, origin: url.origin, transport, timeouts },
    root: url.pathname.replace(/\/+$/, ''),
    headers,
    secrets,
  }
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
