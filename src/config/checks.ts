/**
 * Checks between parts of a document that no schema of one part can make: dangling names, duplicates, addresses that
 * collide. They read the raw value and skip whatever has the wrong shape, so that they report beside the schema's
 * errors and not only after those are mended.
 */
import { compileGlob } from '../lib/index.ts'
import { checkAdmins } from './admin-checks.ts'
import { checkDocumentedHashes } from './documented-hashes.ts'
import { checkLevels, LEVEL_SECTIONS } from './level-checks.ts'
import { checkModels } from './model-checks.ts'
import { checkPolicies } from './policy-checks.ts'
import type { Path } from './position.ts'
import { checkProviders, type ProviderCheckOptions } from './provider-checks.ts'
import { checkRoutes } from './route-checks.ts'
import { isLoopback, parseListen } from './schema/listen.ts'
import { suggest } from './suggest.ts'
import { checkSwitches } from './switch-checks.ts'
import { at, entriesOf, error, itemsOf, keysOf, text } from './value.ts'

/** One finding: where, of what, and what to do. */
export interface Finding {
  readonly path: Path
  /** `owner`: nothing stands there; what encloses it is to blame. */
  readonly of: 'key' | 'value' | 'owner'
  readonly message: string
  readonly suggestion?: string | null
  readonly severity: 'error' | 'warning'
}

/** What the caller knows and the document does not say. */
export interface CheckOptions extends ProviderCheckOptions {
  /**
   * Providers that are there without being configured, named as their kinds; their models are named `provider/model` or
   * `provider-model`.
   */
  readonly builtInProviders: readonly string[]
  /** Whether a kind of provider has a model: false only where that is known. Absent: it may. */
  readonly mayHaveModel?: (kind: string, model: string) => boolean
}

/** Everything that is wrong, or odd, between the parts of `value`. */
export function checkDocument(value: unknown, options: CheckOptions): Finding[] {
  const providers = entriesOf(at(value, 'providers'))
  const { builtInProviders, mayHaveModel = () => true } = options
  const kinds = new Map([
    ...builtInProviders.map((name) => [name, name] as const),
    ...providers.map(([name, provider]) => [name, text(at(provider, 'kind')) ?? ''] as const),
  ])
  const direct = providers.filter(([, provider]) => at(provider, 'direct') === true).map(([name]) => name)
  const names: Names = {
    providers: [...kinds.keys()],
    directPrefixes: [
      ...direct.map((provider) => ({ text: `${provider}/`, provider })),
      ...builtInProviders.flatMap((provider) => [
        { text: `${provider}/`, provider },
        // What follows the prefix is not the model's name: all of it is.
        { text: `${provider}-`, provider, bare: true },
      ]),
    ],
    mayHaveModel: (provider, model) => mayHaveModel(kinds.get(provider) ?? '', model),
    models: keysOf(at(value, 'models')),
    aliases: keysOf(at(value, 'aliases')),
  }
  return [
    ...refusedKeys(value, []),
    ...checkListeners(value),
    ...checkProviders(value, options),
    ...checkModels(value, names),
    ...checkAliases(value, names),
    ...checkKeys(value),
    ...checkLevels(value),
    ...checkSwitches(value, names),
    ...checkAdmins(value),
    ...checkDocumentedHashes(value),
    ...checkPatterns(value, names),
    ...checkPolicies(value, {
      providers: names.providers,
      models: [...names.models, ...names.aliases],
      matchesModel: (pattern) => matchesSomething(pattern, names),
    }),
    ...checkRoutes(value),
    ...checkFiles(value, providers),
    ...checkPassthrough(value, providers),
  ]
}

/** Files and batches go to a provider of this file. */
function checkFiles(value: unknown, providers: readonly (readonly [name: string, value: unknown])[]): Finding[] {
  const named = text(at(at(value, 'files'), 'provider'))
  const names = providers.map(([name]) => name)
  if (named === null || names.includes(named)) return []
  const suggestion = suggest(named, names)
  return [error(['files', 'provider'], `there is no provider \`${named}\``, { suggestion })]
}

/** So does what is passed through. */
function checkPassthrough(value: unknown, providers: readonly (readonly [name: string, value: unknown])[]): Finding[] {
  const said = at(at(value, 'passthrough'), 'providers')
  const names = providers.map(([name]) => name)
  return (Array.isArray(said) ? said : []).flatMap((each: unknown, index) => {
    const named = text(each)
    if (named === null || names.includes(named)) return []
    const suggestion = suggest(named, names)
    return [error(['passthrough', 'providers', index], `there is no provider \`${named}\``, { suggestion })]
  })
}

interface Names {
  readonly providers: readonly string[]
  /** How names begin that need no entry in `models`: `provider/` of a direct provider, `demo/` and `demo-`. */
  readonly directPrefixes: readonly DirectPrefix[]
  /** False only where it is known that the provider of this name has no such model. */
  readonly mayHaveModel: (provider: string, model: string) => boolean
  readonly models: readonly string[]
  readonly aliases: readonly string[]
}

interface DirectPrefix {
  readonly text: string
  readonly provider: string
  readonly bare?: boolean
}

/** Names that JavaScript gives a meaning of its own: refused everywhere, so that no code has to think of them. */
export const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

function refusedKeys(value: unknown, path: Path): Finding[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item, index) => refusedKeys(item, [...path, index]))
  return Object.entries(value).flatMap(([name, inner]) =>
    PROTOTYPE_KEYS.has(name)
      ? [error([...path, name], `\`${name}\` cannot be used as a name`, { of: 'key' })]
      : refusedKeys(inner, [...path, name]),
  )
}

function checkListeners(value: unknown): Finding[] {
  const findings: Finding[] = []
  const data = parseListen(text(at(value, 'listen')) ?? '127.0.0.1:8080')
  const section = at(value, 'control')
  const control = parseListen(text(at(section, 'listen')) ?? '127.0.0.1:8081')
  if (data !== null && control !== null && control.port === data.port && data.port !== 0) {
    const wildcard = [data.host, control.host].some((host) => host === '0.0.0.0' || host === '::')
    if (wildcard || data.host === control.host) {
      const path = at(section, 'listen') === undefined ? ['listen'] : ['control', 'listen']
      findings.push(error(path, 'the data and the control listener need different addresses'))
    }
  }
  if (control !== null && !isLoopback(control.host) && at(section, 'allow_public') !== true) {
    const message = 'other machines could reach the control listener; set `control.allow_public: true` if that is meant'
    findings.push(error(['control', 'listen'], message))
  }
  return findings
}

function checkAliases(value: unknown, names: Names): Finding[] {
  return entriesOf(at(value, 'aliases')).flatMap(([alias, goal]) => {
    const findings: Finding[] = []
    const path = ['aliases', alias]
    if (names.models.includes(alias)) {
      findings.push(error(path, `there is a model \`${alias}\`; an alias needs a name of its own`, { of: 'key' }))
    }
    const model = text(goal)
    if (model === null || model === '' || isServed(model, names)) return findings
    const message = names.aliases.includes(model)
      ? `\`${model}\` is an alias itself; an alias names a model`
      : `there is no model \`${model}\`${absenceHint(model, names)}`
    findings.push(error(path, message, { suggestion: suggest(model, names.models) }))
    return findings
  })
}

function checkKeys(value: unknown): Finding[] {
  const idOwner = new Map<string, number>()
  const hashOwner = new Map<string, number>()
  return itemsOf(at(value, 'keys')).flatMap((key, index) => {
    const findings: Finding[] = []
    const path = ['keys', index]
    const id = text(at(key, 'id'))
    const hash = text(at(key, 'hash'))?.toLowerCase() ?? null
    if (id !== null && idOwner.has(id)) findings.push(error([...path, 'id'], `the id \`${id}\` is already taken`))
    const before = text(at(at(key, 'previous'), 'hash'))?.toLowerCase() ?? null
    for (const [place, value] of [
      [['hash'], hash],
      [['previous', 'hash'], before],
    ] as const) {
      if (value === null) continue
      const owner = hashOwner.get(value)
      if (owner === undefined) hashOwner.set(value, index)
      else {
        const message = owner === index ? 'the same hash as the present one' : `the same hash as keys[${owner}]`
        findings.push(error([...path, ...place], `${message}: one key cannot be two`))
      }
    }
    if (id !== null && !idOwner.has(id)) idOwner.set(id, index)
    return findings
  })
}

/** Somebody who may have lists of models, and where. */
interface Listed {
  readonly entity: unknown
  readonly path: Path
}

/** Lists of models, of keys and of levels, that name nothing. */
function checkPatterns(value: unknown, names: Names): Finding[] {
  const known = new Map<string, boolean>()
  const entities = ['keys', ...Object.keys(LEVEL_SECTIONS)].flatMap((section) =>
    itemsOf(at(value, section)).map((entity, index): Listed => ({ entity, path: [section, index] })),
  )
  const listed: Listed[] = [...entities, { entity: at(value, 'gateway'), path: ['gateway'] }]
  return listed.flatMap(({ entity: key, path }) => {
    const findings: Finding[] = []
    for (const list of ['allow', 'deny'] as const) {
      for (const [position, item] of itemsOf(at(at(key, 'models'), list)).entries()) {
        const pattern = text(item)
        if (pattern === null || pattern === '') continue
        if (!known.has(pattern)) known.set(pattern, matchesSomething(pattern, names))
        if (known.get(pattern) === true) continue
        const message = `\`${pattern}\` matches no model and no alias${absenceHint(pattern, names)}`
        findings.push({
          path: [...path, 'models', list, position],
          of: 'value',
          message,
          suggestion: suggest(pattern, [...names.models, ...names.aliases]),
          severity: list === 'allow' ? 'error' : 'warning',
        })
      }
    }
    return findings
  })
}

/** Whether a pattern of a key can match anything: a model, an alias, or a name that is addressed directly. */
function matchesSomething(pattern: string, names: Names): boolean {
  const matches = compileGlob(pattern)
  const [head = '', ...rest] = pattern.split('*')
  return (
    names.models.some(matches) ||
    names.aliases.some(matches) ||
    (rest.length === 0
      ? isServed(pattern, names)
      : prefixesOf(names).some((prefix) => prefix.startsWith(head) || head.startsWith(prefix)))
  )
}

/** How names begin that need no entry of their own. */
function prefixesOf({ directPrefixes, models }: Names): string[] {
  const many = models.filter((entry) => entry.endsWith('*')).map((entry) => entry.slice(0, -1))
  return [...directPrefixes.map(({ text: prefix }) => prefix), ...many]
}

/** Whether a name leads somewhere: to a model, to one of the many that an entry with `*` stands for, or directly. */
function isServed(name: string, names: Names): boolean {
  return (
    names.models.includes(name) ||
    names.models.some((pattern) => pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))) ||
    isDirectName(name, names)
  )
}

function isDirectName(name: string, names: Names): boolean {
  const direct = directModel(name, names)
  return direct !== null && names.mayHaveModel(direct.provider, direct.model)
}

/** The provider and its model that a name addresses directly, or null. */
function directModel(name: string, { directPrefixes }: Names): { provider: string; model: string } | null {
  const prefix = directPrefixes.find(({ text: start }) => name.startsWith(start) && name.length > start.length)
  if (prefix === undefined) return null
  return { provider: prefix.provider, model: prefix.bare === true ? name : name.slice(prefix.text.length) }
}

/** The reason that is easily overlooked: the provider is there, but its models cannot be named, or not this one. */
function absenceHint(name: string, names: Names): string {
  const direct = directModel(name, names)
  if (direct !== null) return `; the provider \`${direct.provider}\` has no \`${direct.model}\``
  const [provider = '', ...rest] = name.split('/')
  const isIndirect =
    names.providers.includes(provider) && !names.directPrefixes.some(({ text: prefix }) => prefix === `${provider}/`)
  return rest.length > 0 && isIndirect ? `; the provider \`${provider}\` is not \`direct\`` : ''
}
