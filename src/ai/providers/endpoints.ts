import type { DialectName } from '../dialects/name.ts'
import { holds } from './api-paths.ts'
import type { BodyQuirks, Endpoint } from './endpoint.ts'
import { ANTHROPIC_HEADERS, OPENAI_HEADERS, PLAIN_HEADERS } from './forwarded-headers.ts'
import type { EndpointRow, ProviderRow } from './provider-row.ts'
import { fill, type Settings } from './settings.ts'

const MODEL = '{model}'

/** What a configuration says about the endpoints of a provider. */
export interface EndpointChoice {
  /** Path before those of the row. */
  readonly root: string
  readonly settings: Settings
  /** Only these dialects, in this order; absent: those that the row has as a rule. */
  readonly dialects?: readonly DialectName[] | undefined
  /** Beside those of the row. */
  readonly quirks?: BodyQuirks | undefined
}

/** An endpoint, and the models that are addressed so. */
export interface ChosenEndpoint {
  readonly endpoint: Endpoint
  /** Null: all. */
  readonly models: RegExp | null
}

/** The ways to hold a conversation with a provider's models; the one that translations use comes first. */
export function endpointsOf(row: ProviderRow, choice: EndpointChoice): readonly ChosenEndpoint[] {
  const { dialects, settings } = choice
  const there = row.endpoints.filter(({ when }) => holds(when, settings))
  const chosen =
    dialects === undefined
      ? there.filter(({ optional }) => optional !== true)
      : dialects.flatMap((name) => there.filter(({ dialect }) => dialect === name))
  return chosen.map((endpoint) => ({ endpoint: endpointOf(row, endpoint, choice), models: endpoint.models ?? null }))
}

function endpointOf(row: ProviderRow, endpoint: EndpointRow, { root, settings, quirks }: EndpointChoice): Endpoint {
  const { dialect, path, streamPath = path } = endpoint
  const whole = pathMaker(fill(`${root}${path}`, settings))
  const stream = pathMaker(fill(`${root}${streamPath}`, settings))
  return {
    dialect,
    path: (model, streams) => (streams ? stream : whole)(model),
    modelInBody: !path.includes(MODEL),
    quirks: merged([endpoint.quirks ?? row.quirks, quirks]),
    habits: endpoint.habits ?? row.habits,
    traits: endpoint.traits,
    frames: endpoint.frames,
    betas: endpoint.betas,
    headers: [...row.headers, ...(endpoint.headers ?? [])],
    forwards: endpoint.betas === undefined ? forwardsTo(dialect) : PLAIN_HEADERS,
  }
}

function pathMaker(template: string): (model: string) => string {
  const at = template.indexOf(MODEL)
  if (at < 0) return () => template
  const before = template.slice(0, at)
  const after = template.slice(at + MODEL.length)
  return (model) => `${before}${encodeURIComponent(model)}${after}`
}

function merged(all: readonly (BodyQuirks | null | undefined)[]): BodyQuirks | null {
  const said = all.filter((quirks) => quirks !== null && quirks !== undefined)
  const joined = {
    rename: Object.assign({}, ...said.map(({ rename }) => rename)) as Record<string, string>, // of such records
    drop: [...new Set(said.flatMap(({ drop = [] }) => drop))],
    defaults: Object.assign({}, ...said.map(({ defaults }) => defaults)) as Record<string, unknown>, // of such records
  }
  const isEmpty = joined.drop.length + Object.keys({ ...joined.rename, ...joined.defaults }).length === 0
  return isEmpty ? null : joined
}

function forwardsTo(dialect: DialectName): ReadonlySet<string> {
  if (dialect === 'anthropic-messages') return ANTHROPIC_HEADERS
  return dialect.startsWith('openai-') ? OPENAI_HEADERS : PLAIN_HEADERS
}
