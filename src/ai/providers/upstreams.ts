import type { ConfigDocument, ProviderConfig } from '../../config/index.ts'
import type { Timeouts, Transport, Upstream } from '../../core/index.ts'
import type { SealFamily } from '../dialects/name.ts'
import { loadEventStreamCodec } from '../translate/aws-event-reader.ts'
import { type ApiPath, apiPathOf, apiRootOf } from './api-paths.ts'
import { type Credential, CredentialTransport } from './auth/credential-transport.ts'
import { Prepared } from './auth/prepared.ts'
import { proofOf } from './auth/proof.ts'
import { ModelDiscovery } from './discovery.ts'
import { type ChosenEndpoint, endpointsOf } from './endpoints.ts'
import { PredictionsTransport } from './predictions-transport.ts'
import type { ProviderRow } from './provider-row.ts'
import { References } from './references.ts'
import { SecretSet } from './secret-set.ts'
import { baseUrlOf, fill, rootOf, type Settings, settingsOf } from './settings.ts'
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
  /** What the operator calls it, such as a region. */
  readonly tags: ReadonlySet<string>
  /** Path of the API's root on the host, without the last slash: `chat/completions` and its kin stand below it. */
  readonly root: string
  /** Where another part of the same API stands; `model`: of a request for that one. */
  readonly pathTo: ApiPath
  readonly upstream: Upstream
  readonly endpoints: readonly ChosenEndpoint[]
  readonly familyOf: (model: string) => SealFamily
  /** What a model is called there. */
  readonly nameOf: (model: string) => string
  /** Flat; a credential that never changes is among them. */
  readonly headers: readonly string[]
  readonly secrets: SecretSet
  /** Names of its credentials, by lane: their own, or their numbers from 1. */
  readonly credentials: readonly string[]
  /** Says whose turn it is of them; null where there is one. */
  readonly nextLane: (() => number) | null
  /** Answers tell what they cost, and are believed. */
  readonly tellsCost: boolean
  /** Null where nothing lists its models. */
  readonly discovery: ModelDiscovery | null
}

type Environment = Readonly<Record<string, string | undefined>>

/** Connections to a server that only gives credentials. */
const TOKEN_CONNECTIONS = 4

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
  const timeouts = mergeTimeouts(config, document)
  if (config.kind === 'demo') {
    return { ...demoUpstream(name, row, timeouts, transports.demo), tags: new Set(config.tags) }
  }
  return new ProviderBuilder(name, row, config, environment, transports, timeouts).build()
}

function demoUpstream(name: string, row: ProviderRow, timeouts: Timeouts, transport: Transport): ProviderUpstream {
  return {
    kind: row.kind,
    tags: new Set(),
    root: '/v1',
    pathTo: apiPathOf(row, '/v1', {}),
    upstream: { name, origin: 'demo:', transport, timeouts },
    endpoints: endpointsOf(row, { root: '/v1', settings: {} }),
    familyOf: () => row.family,
    nameOf: (model) => model,
    headers: ['content-type', 'application/json'],
    secrets: new SecretSet(),
    credentials: ['1'],
    nextLane: null,
    tellsCost: false,
    discovery: null,
  }
}

/** What is needed while one provider is put together. */
class ProviderBuilder {
  readonly #name: string
  readonly #row: ProviderRow
  readonly #config: ProviderConfig
  readonly #environment: Environment
  readonly #transports: TransportSource
  readonly #timeouts: Timeouts
  readonly #references: References
  readonly #settings: Settings
  #secrets: SecretSet | null = null

  constructor(
    name: string,
    row: ProviderRow,
    config: ProviderConfig,
    environment: Environment,
    transports: TransportSource,
    timeouts: Timeouts,
  ) {
    this.#name = name
    this.#row = row
    this.#config = config
    this.#environment = environment
    this.#transports = transports
    this.#timeouts = timeouts
    this.#references = new References(name, environment)
    this.#settings = this.#named(() => {
      const said = (setting: keyof Settings) => {
        const text = config[setting]
        return text === undefined ? undefined : this.#references.text(setting, text)
      }
      return settingsOf(row, said, environment)
    })
  }

  build(): ProviderUpstream {
    const row = this.#row
    const { quirks, dialects, deployment, deployments, kind } = this.#config
    const url = this.#baseUrl()
    const root = rootOf(row, url)
    const endpoints = endpointsOf(row, { root, settings: this.#settings, dialects, quirks })
    if (endpoints.length === 0) throw new Error(`providers.${this.#name}.dialects: the kind ${kind} has none of these`)
    const credentials = this.#credentials(url, root)
    const secrets = new SecretSet(this.#references.secrets)
    this.#secrets = secrets
    const [only] = credentials
    const isPlain = credentials.length === 1 && only?.authenticator === null && only.root === null
    const headers = [...this.#sharedHeaders(), ...(isPlain ? only.headers : [])]
    const direct = isPlain ? only.transport : new CredentialTransport(root, credentials)
    const transport = endpoints.some(({ endpoint }) => endpoint.dialect === 'replicate')
      ? new PredictionsTransport({ transport: direct, headers, streams: (origin) => this.#streams(origin, url) })
      : direct
    const upstream = { name: this.#name, origin: url.origin, transport, timeouts: this.#timeouts }
    return {
      kind,
      tags: new Set(this.#config.tags),
      root: apiRootOf(row, root, this.#settings),
      pathTo: apiPathOf(row, root, this.#settings),
      upstream,
      endpoints,
      familyOf: (model) => row.families.find(([models]) => models.test(model))?.[1] ?? row.family,
      nameOf: (model) => deployments[model] ?? deployment ?? model,
      headers,
      secrets,
      credentials: this.#config.credentials?.map(({ name }, index) => name ?? String(index + 1)) ?? ['1'],
      nextLane: direct instanceof CredentialTransport ? () => direct.nextLane() : null,
      tellsCost: row.tellsCost,
      discovery: this.#discovery(transport, root, headers),
    }
  }

  #baseUrl(): URL {
    const said = this.#config.base_url
    if (said !== undefined) return new URL(this.#references.text('base_url', said))
    const { baseUrlVariable: variable, kind } = this.#row
    const given = variable === null ? undefined : this.#environment[variable]
    const base = given === undefined || given === '' ? baseUrlOf(this.#row, this.#settings) : withScheme(given)
    if (base === null) throw new Error(`providers.${this.#name}.base_url: the kind ${kind} needs one`)
    return new URL(base)
  }

  /** Of what is sent with every request, whatever the credential. */
  #sharedHeaders(): readonly string[] {
    const { referer, title } = this.#config
    const said = new Map([
      ['content-type', 'application/json'],
      ['accept-encoding', 'identity'],
      ...(referer === undefined ? [] : [['http-referer', referer] as const]),
      ...(title === undefined ? [] : [['x-title', title] as const]),
    ])
    for (const name of this.#ownNames(null)) said.delete(name)
    return [...said].flat()
  }

  #credentials(url: URL, root: string): readonly Credential[] {
    const { credentials } = this.#config
    if (credentials === undefined) return [this.#credential(null, '', url, root)]
    return credentials.map((each, index) => this.#credential(each, `credentials.${index}.`, url, root))
  }

  #credential(
    own: NonNullable<ProviderConfig['credentials']>[number] | null,
    place: string,
    shared: URL,
    root: string,
  ): Credential {
    const config = this.#config
    const references = this.#references
    const url = own?.base_url === undefined ? shared : new URL(references.text(`${place}base_url`, own.base_url))
    const proof = this.#named(() =>
      proofOf(own ?? config, {
        row: this.#row,
        place,
        references,
        environment: this.#environment,
        region: this.#settings.region,
        origin: url.origin,
        connect: (origin) => this.#connect(origin, TOKEN_CONNECTIONS),
        now: Date.now,
        onToken: (source, token) => this.#secrets?.remember(source, token),
        saysItself: this.#ownNames(own).has('authorization'),
      }),
    )
    // By name: of two values for one header an upstream would choose.
    const headers = new Map(proof.headers)
    const organization = own?.organization ?? config.organization
    if (organization !== undefined) {
      const at = own?.organization === undefined ? '' : place
      headers.set('openai-organization', references.text(`${at}organization`, organization))
    }
    for (const [at, said] of [['', config.headers] as const, [place, own?.headers ?? {}] as const]) {
      for (const [header, text] of Object.entries(said)) {
        headers.set(header.toLowerCase(), references.header(`${at}headers.${header}`, header, text))
      }
    }
    const streamsFrames = this.#row.endpoints.some(({ dialect }) => dialect === 'bedrock-converse')
    return {
      headers: [...headers].flat(),
      authenticator: streamsFrames ? new Prepared(proof.authenticator, loadEventStreamCodec) : proof.authenticator,
      transport: this.#connect(url.origin, config.max_connections),
      root: url === shared ? null : this.#rootOf(url, root),
      weight: own?.weight ?? 1,
    }
  }

  #rootOf(url: URL, root: string): string | null {
    const own = rootOf(this.#row, url)
    return own === root ? null : own
  }

  /** Names of the headers that the configuration sets itself, for one credential. */
  #ownNames(own: Pick<ProviderConfig, 'headers'> | null): ReadonlySet<string> {
    const names = [...Object.keys(this.#config.headers), ...Object.keys(own?.headers ?? {})]
    return new Set(names.map((name) => name.toLowerCase()))
  }

  #discovery(transport: Transport, root: string, headers: readonly string[]): ModelDiscovery | null {
    const { discovery, headers: always } = this.#row
    if (discovery === null) return null
    const isElsewhere = discovery.baseUrl !== undefined && this.#config.base_url === undefined
    const url = isElsewhere ? new URL(fill(discovery.baseUrl ?? '', this.#settings)) : null
    return new ModelDiscovery({
      name: this.#name,
      row: discovery,
      path: `${url === null ? root : ''}${discovery.path}`,
      headers: [...headers, ...always],
      transport: url === null ? () => transport : () => new CredentialTransport('', this.#credentials(url, '')),
      now: Date.now,
    })
  }

  /** The address of a stream is the vendor's to say, but not to choose who hears the credential. */
  #streams(origin: string, { origin: own, hostname }: URL): Transport | null {
    const vendor = hostname.split('.').slice(-2).join('.')
    const isVendors = origin.startsWith('https://') && new URL(origin).hostname.endsWith(`.${vendor}`)
    return origin === own || isVendors ? this.#connect(origin, this.#config.max_connections) : null
  }

  #connect(origin: string, maxConnections: number): Transport {
    return this.#transports.connect({ origin, connectTimeoutMs: this.#timeouts.connectMs, maxConnections })
  }

  /** Runs what throws errors that name a key, and adds the provider's. */
  #named<T>(make: () => T): T {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof Error) || error.message.startsWith('providers.')) throw error
      throw new Error(`providers.${this.#name}.${error.message}`, { cause: error })
    }
  }
}

/** Variables of addresses may hold a host alone. */
function withScheme(address: string): string {
  return /^https?:\/\//i.test(address) ? address : `https://${address}`
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
    pendingMs: config.pending_timeout,
  }
}
