import type { ProviderRow, Setting } from './provider-row.ts'

/** Values of a provider's placeholders. */
export type Settings = Readonly<Partial<Record<Setting, string>>>

/** What may stand in an address or a path without being encoded, and without leading elsewhere. */
const VALUE = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
const PLACEHOLDER = /\{(\w+)\}/g

/**
 * What the configuration says, else the environment, else the row. Throws an Error that names the key when one is missing
 * or cannot stand in an address.
 */
export function settingsOf(
  { kind, settings }: ProviderRow,
  configured: (setting: Setting) => string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const values: Partial<Record<Setting, string>> = {}
  for (const setting of Object.keys(settings) as Setting[] /* the keys of the row */) {
    const { variable = null, fallback = null } = settings[setting] ?? {}
    const found = variable === null ? undefined : environment[variable]
    const value = configured(setting) ?? (found === undefined || found === '' ? fallback : found)
    if (value === null) {
      const or = variable === null ? '' : `, or the environment variable \`${variable}\``
      throw new Error(`${setting}: the kind ${kind} needs one${or}`)
    }
    if (!VALUE.test(value)) throw new Error(`${setting}: has characters that cannot stand in an address`)
    values[setting] = value
  }
  return values
}

/** Puts settings in their places; `{model}` stays. */
export function fill(template: string, settings: Settings): string {
  return template.replaceAll(PLACEHOLDER, (whole, name: string) => {
    const value = settings[name as Setting] // a name that is no setting gives undefined
    return value ?? whole
  })
}

/** The base URL of a row without one of the configuration; null when there is none. */
export function baseUrlOf({ baseUrl, regionHosts }: ProviderRow, settings: Settings): string | null {
  if (baseUrl === null) return null
  const url = fill(baseUrl, settings)
  const host = regionHosts[settings.region ?? '']
  return host === undefined ? url : url.replace(/^(https:\/\/)[^/]+/, `$1${host}`)
}

/** The path under which the endpoints of a row begin: people write base URLs with and without what the endpoints repeat. */
export function rootOf({ baseEnds }: ProviderRow, url: URL): string {
  const path = url.pathname.replace(/\/+$/, '')
  const end = baseEnds.find((each) => path.endsWith(each))
  return end === undefined ? path : path.slice(0, -end.length)
}
