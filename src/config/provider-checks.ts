import type { Finding } from './checks.ts'
import type { Path } from './position.ts'
import { isCredentialHeader, isReference, REFERENCE_FORMS } from './reference.ts'
import { suggest } from './suggest.ts'
import { at, entriesOf, error, itemsOf, text } from './value.ts'

/** What is known of a kind of provider beside its name. */
export interface ProviderFacts {
  /** Settings that its address or its paths have. */
  readonly settings: readonly string[]
  /** How else than by a key it is told who asks: `aws`, `google` or `entra`. */
  readonly tokens: string | null
  /** Its endpoints. */
  readonly dialects: readonly string[]
  /** What must be said, and the environment variable that may say it instead. */
  readonly needs: readonly { readonly key: string; readonly variable: string | null }[]
}

export interface ProviderCheckOptions {
  /** Kinds that a provider may be of; absent: any. */
  readonly providerKinds?: readonly string[]
  readonly builtInProviders: readonly string[]
  /** Absent, or null for a kind: nothing is known. */
  readonly providerFacts?: (kind: string) => ProviderFacts | null
}

/** Ways to say who asks; one credential has one of them. */
const PROOFS = ['api_key', 'aws', 'google', 'entra'] as const
/** Places of secrets within a credential. */
const SECRETS: readonly Path[] = [
  ['api_key'],
  ['aws', 'secret_access_key'],
  ['aws', 'session_token'],
  ['google', 'service_account'],
  ['entra', 'client_secret'],
]
const SETTINGS = ['region', 'project', 'account', 'api_version'] as const

/** Everything that is wrong, or odd, with providers, apart from the shape of each. */
export function checkProviders(value: unknown, options: ProviderCheckOptions): Finding[] {
  return entriesOf(at(value, 'providers')).flatMap(([name, provider]) => {
    const path = ['providers', name]
    const kind = text(at(provider, 'kind'))
    const facts = kind === null ? null : (options.providerFacts?.(kind) ?? null)
    return [
      ...checkKind(name, kind, provider, options),
      ...(facts === null ? [] : checkFacts(path, kind ?? '', provider, facts)),
      ...checkCredentials(path, provider),
    ]
  })
}

function checkKind(name: string, kind: string | null, provider: unknown, options: ProviderCheckOptions): Finding[] {
  const { providerKinds, builtInProviders } = options
  const findings: Finding[] = []
  const path = ['providers', name]
  if (kind !== null && providerKinds !== undefined && !providerKinds.includes(kind)) {
    const suggestion = suggest(kind, providerKinds)
    const message = `unknown provider kind \`${kind}\`; there are ${providerKinds.join(', ')}`
    findings.push(error([...path, 'kind'], message, { suggestion }))
  }
  if (kind !== null && kind !== name && builtInProviders.includes(name)) {
    const message = `\`${name}\` is the built-in provider; one of another kind needs a name of its own`
    findings.push(error([...path, 'kind'], message))
  }
  // A kind that is only compatible with something has no address of its own.
  if (kind?.endsWith('-compatible') === true && at(provider, 'base_url') === undefined) {
    findings.push(error([...path, 'base_url'], `the kind \`${kind}\` needs a \`base_url\``, { of: 'owner' }))
  }
  return findings
}

function checkFacts(path: Path, kind: string, provider: unknown, facts: ProviderFacts): Finding[] {
  const findings: Finding[] = []
  for (const setting of SETTINGS) {
    if (at(provider, setting) === undefined || facts.settings.includes(setting)) continue
    findings.push(error([...path, setting], `the kind \`${kind}\` has no \`${setting}\``, { of: 'key' }))
  }
  for (const [place, credential] of credentialsOf(provider)) {
    for (const proof of PROOFS) {
      if (proof === 'api_key' || at(credential, proof) === undefined || facts.tokens === proof) continue
      findings.push(error([...path, ...place, proof], `the kind \`${kind}\` does not take \`${proof}\``, { of: 'key' }))
    }
  }
  for (const [index, item] of itemsOf(at(provider, 'dialects')).entries()) {
    const dialect = text(item)
    if (dialect === null || facts.dialects.includes(dialect)) continue
    const message = `the kind \`${kind}\` has no endpoint for \`${dialect}\`; it has ${facts.dialects.join(', ')}`
    findings.push(error([...path, 'dialects', index], message))
  }
  return findings
}

function checkCredentials(path: Path, provider: unknown): Finding[] {
  const findings: Finding[] = []
  const several = at(provider, 'credentials') !== undefined
  for (const [place, credential] of credentialsOf(provider)) {
    const given = PROOFS.filter((proof) => at(credential, proof) !== undefined)
    const [first, second] = given
    if (place.length === 0 && several && first !== undefined) {
      const message = `\`${first}\` stands beside \`credentials\`; write it as one of them`
      findings.push(error([...path, first], message, { of: 'key' }))
    } else if (second !== undefined) {
      const message = `one credential is either \`${first}\` or \`${second}\`; several go into \`credentials\``
      findings.push(error([...path, ...place, second], message, { of: 'key' }))
    }
    findings.push(...literalSecrets([...path, ...place], credential))
  }
  return findings
}

/** The provider itself, and each of its `credentials`. */
export function credentialsOf(provider: unknown): readonly (readonly [place: Path, credential: unknown])[] {
  const several = itemsOf(at(provider, 'credentials'))
  return [[[], provider], ...several.map((credential, index) => [['credentials', index], credential] as const)]
}

function literalSecrets(path: Path, credential: unknown): Finding[] {
  const headers = entriesOf(at(credential, 'headers')).filter(([header]) => isCredentialHeader(header))
  const places = [...SECRETS, ...headers.map(([header]) => ['headers', header])]
  return places.flatMap((place): Finding[] => {
    const secret = text(place.reduce((value: unknown, name) => at(value, String(name)), credential))
    if (secret === null || secret === '' || isReference(secret)) return []
    const message = `a secret stands in the file; write a reference instead: ${REFERENCE_FORMS}`
    return [{ path: [...path, ...place], of: 'value', message, severity: 'warning' }]
  })
}
