import type { DialectTraits, UpstreamHabits } from '../dialects/dialect.ts'
import type { DialectName, SealFamily } from '../dialects/name.ts'
import type { BodyBetas } from '../relay/betas.ts'
import type { BodyQuirks } from './endpoint.ts'

/**
 * How a key is sent: as a bearer token, or under a name of its own. `both-keys`: one server reads it under one name for
 * some of its paths and under another for the rest.
 */
export type KeyHeader = 'bearer' | 'x-api-key' | 'api-key' | 'x-goog-api-key' | 'both-keys' | 'none'

/** Credentials beside a key: requests are signed, or carry a token that is made or fetched. */
export type TokenKind = 'aws' | 'google' | 'entra'

/** What fills the placeholders of addresses and paths; called the same in the configuration. */
export type Setting = 'region' | 'project' | 'account' | 'api_version'

export interface SettingRow {
  /** Environment variable that is read when the configuration does not say it. */
  readonly variable: string | null
  /** Null: one of the two must say it. */
  readonly fallback: string | null
}

/** What models of these names can say, where their dialect's others cannot. */
export type ModelTraits = readonly [models: RegExp, traits: Partial<DialectTraits>]

/** A setting of the provider that has, or has not, a value. */
export interface Condition {
  readonly setting: Setting
  readonly is?: string
  readonly isNot?: string
}

/** One way to address models: what is appended to the base URL. */
export interface EndpointRow {
  readonly dialect: DialectName
  /** May hold `{model}`, `{region}`…; with `{model}` the body does not name it. */
  readonly path: string
  /** Of streams, where that is another one. */
  readonly streamPath?: string
  /** The models that are addressed so; absent: all. */
  readonly models?: RegExp
  /** It holds only under this condition. */
  readonly when?: Condition
  /** Beside those of the provider. */
  readonly quirks?: BodyQuirks
  /** In place of those of the provider. */
  readonly habits?: UpstreamHabits
  /** What some of its models can say that others of the dialect cannot; the first that matches counts. */
  readonly traits?: readonly ModelTraits[]
  /** Streams of relays come in frames that hold the dialect's events; the path says that one is wanted, and the body does not. */
  readonly frames?: true
  /** Absent: betas go by their header, where the dialect has one. */
  readonly betas?: BodyBetas
  /** Flat; beside those of the provider. */
  readonly headers?: readonly string[]
  /** It is there only when the configuration's `dialects` names it. */
  readonly optional?: true
}

/** Where what is no conversation stands. */
export interface ApiRow {
  /** Of suffixes below the root of OpenAI's API; absent: all. */
  readonly paths?: RegExp
  readonly when?: Condition
  /** Appended to the base URL. */
  readonly root: string
  /** The same for requests that are for one model, with `{model}` in it; absent: no other. */
  readonly modelRoot?: string
  /** One parameter that the provider wants. */
  readonly query?: string
}

/** Where and how a provider lists its models. */
export interface DiscoveryRow {
  readonly path: string
  readonly form: 'openai' | 'anthropic' | 'gemini' | 'ollama' | 'cohere' | 'bedrock'
  /** In place of the base URL, where the list is kept by another server. */
  readonly baseUrl?: string
}

/** Providers as rows: what differs between vendors that speak the same dialect. */
export interface ProviderRow {
  readonly kind: string
  /** Where the API starts, without the last slash, `{region}` and the like in it; null when the configuration must say it. */
  readonly baseUrl: string | null
  /** Ends of base URLs, as people know them, that the paths of the endpoints repeat. */
  readonly baseEnds: readonly string[]
  /** Environment variable of the API key: a start without a configuration file looks for it. */
  readonly keyVariable: string | null
  /** The same for the base URL. */
  readonly baseUrlVariable: string | null
  /** A start without a configuration has the provider when all variables of one of these groups are set. */
  readonly foundBy: readonly (readonly string[])[]
  readonly settings: Readonly<Partial<Record<Setting, SettingRow>>>
  /** Hosts of regions whose address is not like that of the others. */
  readonly regionHosts: Readonly<Record<string, string>>
  readonly key: KeyHeader
  readonly tokens: TokenKind | null
  /** Flat; sent with every request unless the configuration says them itself. */
  readonly headers: readonly string[]
  /** The one that translations use comes first. */
  readonly endpoints: readonly EndpointRow[]
  /** The first that matches counts; none: it stands beside the conversations of the common dialect. */
  readonly api: readonly ApiRow[]
  readonly quirks: BodyQuirks | null
  readonly habits: UpstreamHabits | null
  /** Whose models they are, as far as sealed thoughts and parameters go. */
  readonly family: SealFamily
  /** The same by the model's name, where a provider has those of several; the first that matches counts. */
  readonly families: readonly (readonly [models: RegExp, family: SealFamily])[]
  readonly discovery: DiscoveryRow | null
  /** Its vendor documents that answers tell what they cost; what others write there is nobody's price. */
  readonly tellsCost: boolean
  /** A few of its models, listed by `GET /v1/models` of a start without a configuration file. */
  readonly knownModels: readonly string[]
}

export const CHAT: EndpointRow = { dialect: 'openai-chat', path: '/chat/completions' }
export const RESPONSES: EndpointRow = { dialect: 'openai-responses', path: '/responses' }
export const COMPLETIONS: EndpointRow = { dialect: 'openai-completions', path: '/completions' }
export const MESSAGES: EndpointRow = { dialect: 'anthropic-messages', path: '/messages' }

/** The endpoint below another part of the path, with these differences. */
export function under(root: string, endpoint: EndpointRow, differences: Partial<EndpointRow> = {}): EndpointRow {
  return { ...endpoint, path: `${root}${endpoint.path}`, ...differences }
}

const MODEL_LIST: DiscoveryRow = { path: '/models', form: 'openai' }

/** A row as most are: chat completions, a key as bearer token, a list of models. */
export function row(
  kind: string,
  baseUrl: string | null,
  keyVariable: string | null,
  differences: Partial<ProviderRow> = {},
): ProviderRow {
  return {
    kind,
    baseUrl,
    baseEnds: [],
    keyVariable,
    baseUrlVariable: null,
    foundBy: keyVariable === null ? [] : [[keyVariable]],
    settings: {},
    regionHosts: {},
    key: 'bearer',
    tokens: null,
    headers: [],
    endpoints: [CHAT],
    api: [],
    quirks: null,
    habits: null,
    family: 'other',
    families: [],
    discovery: MODEL_LIST,
    tellsCost: false,
    knownModels: [],
    ...differences,
  }
}
