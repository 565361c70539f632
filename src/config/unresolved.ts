import { baseUrlFault } from './base-url.ts'
import { type DocumentProblem, placeProblems } from './document-problem.ts'
import type { ConfigError } from './errors.ts'
import type { Path, Positions } from './position.ts'
import { credentialsOf, type ProviderFacts } from './provider-checks.ts'
import { type Environment, isReference, readSecretFile, resolveReference } from './reference.ts'
import { at, entriesOf, text as textOf } from './value.ts'

/** Where references are looked up, and the file that errors name. */
export interface ResolveOptions {
  readonly file: string
  readonly positions: Positions
  readonly env: Environment
  readonly readFile?: (path: string) => string
  /** What each kind of provider must be told; absent: nothing is missed. */
  readonly providerFacts?: ((kind: string) => ProviderFacts | null) | undefined
}

/**
 * Every reference of a document that cannot be used: a variable that is unset or empty, a file that cannot be read, a
 * value that cannot stand where the reference stands. No value is kept or shown. Takes what a text held, valid or not:
 * places of the wrong shape are skipped, since the schema reports them.
 */
export async function unresolvedReferences(document: unknown, options: ResolveOptions): Promise<ConfigError[]> {
  const faults = referencesOf(document).flatMap(({ path, text, use }): DocumentProblem[] => {
    if (!isReference(text)) return []
    const resolved = resolveReference(text, options.env, options.readFile ?? readSecretFile)
    const message = resolved.ok ? valueFault(resolved.secret.reveal(), use) : resolved.missing
    return message === null ? [] : [{ path, message }]
  })
  return await placeProblems([...faults, ...missingSettings(document, options)], options)
}

/** What neither the document says of a provider nor the environment. */
function missingSettings(document: unknown, { env, providerFacts }: ResolveOptions): DocumentProblem[] {
  return entriesOf(at(document, 'providers')).flatMap(([name, provider]) => {
    const kind = textOf(at(provider, 'kind'))
    const needs = kind === null ? [] : (providerFacts?.(kind)?.needs ?? [])
    return needs.flatMap(({ key, variable }): DocumentProblem[] => {
      if (at(provider, key) !== undefined) return []
      if (variable !== null && (env[variable] ?? '') !== '') return []
      // Said by the checks of the document, which need no environment.
      if (variable === null && key === 'base_url') return []
      const or = variable === null ? '' : `, or the environment variable \`${variable}\``
      return [{ path: ['providers', name, 'kind'], message: `the kind \`${kind}\` needs \`${key}\`${or}` }]
    })
  })
}

type Use = 'header' | 'url' | 'database' | 'address' | 'any'

/** Texts of a credential that may hold references. */
const TEXTS: readonly (readonly [section: string | null, member: string, use: Use])[] = [
  [null, 'api_key', 'header'],
  [null, 'base_url', 'url'],
  [null, 'organization', 'header'],
  ['aws', 'access_key_id', 'header'],
  ['aws', 'secret_access_key', 'any'],
  ['aws', 'session_token', 'header'],
  ['google', 'service_account', 'any'],
  ['entra', 'tenant', 'address'],
  ['entra', 'client_id', 'any'],
  ['entra', 'client_secret', 'any'],
  ['entra', 'authority', 'url'],
]

interface Place {
  readonly path: Path
  readonly text: string
  readonly use: Use
}

function referencesOf(document: unknown): Place[] {
  const places: Place[] = []
  const add = (path: Path, value: unknown, use: Use): void => {
    const text = textOf(value)
    if (text !== null) places.push({ path, text, use })
  }
  for (const [name, provider] of entriesOf(at(document, 'providers'))) {
    const path = ['providers', name]
    for (const setting of ['region', 'project', 'account', 'api_version']) {
      add([...path, setting], at(provider, setting), 'address')
    }
    for (const [place, credential] of credentialsOf(provider)) {
      const own = [...path, ...place]
      for (const [section, member, use] of TEXTS) {
        const inner = section === null ? credential : at(credential, section)
        add([...own, ...(section === null ? [] : [section]), member], at(inner, member), use)
      }
      for (const [header, value] of entriesOf(at(credential, 'headers')))
        add([...own, 'headers', header], value, 'header')
    }
  }
  add(['storage', 'url'], at(at(document, 'storage'), 'url'), 'database')
  return places
}

function valueFault(value: string, use: Use): string | null {
  switch (use) {
    case 'header':
      return /[^\t\x20-\x7e\x80-\xff]/.test(value) ? 'stands for a value that no header can hold' : null
    case 'url': {
      const fault = baseUrlFault(value)
      return fault === null ? null : `stands for something else: ${fault}`
    }
    case 'address':
      return /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/.test(value)
        ? null
        : 'stands for something else: expected letters, digits and `. _ : -`'
    case 'any':
      return null
    case 'database':
      return /^(?:sqlite:|postgres(?:ql)?:\/\/)./.test(value)
        ? null
        : 'stands for something else: expected `sqlite:` and the path of a file, or a URL of PostgreSQL'
  }
}
