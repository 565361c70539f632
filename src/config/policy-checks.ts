import { compileGlob } from '../lib/index.ts'
import type { Finding } from './checks.ts'
import type { Path } from './position.ts'
import { suggest } from './suggest.ts'
import { at, error, itemsOf, text } from './value.ts'

/** What policies are held against. */
export interface PolicyNames {
  readonly providers: readonly string[]
  readonly models: readonly string[]
  /** Whether a pattern of models can match anything. */
  readonly matchesModel: (pattern: string) => boolean
}

/** Policies that name what is not there: one that is misspelt would deny nothing, and nobody would notice. */
export function checkPolicies(value: unknown, names: PolicyNames): Finding[] {
  const seen = new Set<string>()
  return itemsOf(at(value, 'policies')).flatMap((policy, index) => {
    const path: Path = ['policies', index]
    const id = text(at(policy, 'id'))
    const findings: Finding[] = []
    if (id !== null && seen.has(id)) findings.push(error([...path, 'id'], `the id \`${id}\` is already taken`))
    if (id !== null) seen.add(id)
    for (const side of ['allow', 'deny'] as const) {
      findings.push(...checkLists(at(policy, side), [...path, side], names))
    }
    return findings
  })
}

function checkLists(lists: unknown, path: Path, { providers, models, matchesModel }: PolicyNames): Finding[] {
  const missing = (list: string, known: readonly string[], matches: (pattern: string) => boolean) =>
    itemsOf(at(lists, list)).flatMap((item, position) => {
      const pattern = text(item)
      if (pattern === null || pattern === '' || matches(pattern)) return []
      const message = `\`${pattern}\` matches no ${list.slice(0, -1)}`
      return [error([...path, list, position], message, { suggestion: suggest(pattern, known) })]
    })
  return [
    ...missing('models', models, matchesModel),
    ...missing('providers', providers, (pattern) => providers.some(compileGlob(pattern))),
  ]
}
