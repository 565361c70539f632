import type { ProviderRow } from './provider-row.ts'
import { PROVIDERS, providerRow } from './table.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Kinds whose variables are in the environment, each as an entry of a configuration: references, and no value. */
export function providersIn(environment: Environment): readonly (readonly [kind: string, config: object])[] {
  const isSet = (variable: string) => (environment[variable] ?? '') !== ''
  return PROVIDERS.filter(({ foundBy }) => foundBy.some((group) => group.every(isSet))).map((row) => [
    row.kind,
    { kind: row.kind, direct: true, ...keyOf(row, isSet), ...baseUrlOf(row, environment) },
  ])
}

function keyOf({ keyVariable }: ProviderRow, isSet: (variable: string) => boolean): object {
  return keyVariable === null || !isSet(keyVariable) ? {} : { api_key: `\${${keyVariable}}` }
}

/** Some variables hold a whole URL, or a host alone. */
function baseUrlOf({ baseUrl, baseUrlVariable }: ProviderRow, environment: Environment): object {
  const value = baseUrlVariable === null ? undefined : environment[baseUrlVariable]
  if (value === undefined || value === '') return {}
  const reference = `\${${baseUrlVariable}}`
  if (/^https?:\/\//i.test(value)) return { base_url: reference }
  return { base_url: `${baseUrl?.startsWith('http:') === true ? 'http' : 'https'}://${reference}` }
}

/** The variables of a kind, for documentation: that of the key, of the address, and of settings. */
export function variablesOf(kind: string): readonly string[] {
  const row = providerRow(kind)
  if (row === null) return []
  const settings = Object.values(row.settings).map(({ variable }) => variable)
  const all = [row.keyVariable, row.baseUrlVariable, ...row.foundBy.flat(), ...settings]
  return [...new Set(all.filter((variable) => variable !== null))]
}
