import type { Finding } from './checks.ts'
import { suggest } from './suggest.ts'
import { at, error, itemsOf, text } from './value.ts'

/** Kinds of levels by their section of the document. */
export const LEVEL_SECTIONS = {
  organizations: 'organization',
  teams: 'team',
  projects: 'project',
  users: 'user',
} as const
type Kind = (typeof LEVEL_SECTIONS)[keyof typeof LEVEL_SECTIONS]

/** What of the parents of a level or a key may be said by what it names itself. */
const PARENTS: Readonly<Record<Kind | 'key', readonly Kind[]>> = {
  organization: [],
  team: ['organization'],
  project: ['team', 'organization'],
  user: ['organization'],
  key: ['project', 'team', 'organization', 'user'],
}

/** Levels and keys that name levels which are not there, or which contradict each other. */
export function checkLevels(value: unknown): Finding[] {
  const levels = new Map<Kind, Map<string, unknown>>()
  const findings: Finding[] = []
  for (const [section, kind] of Object.entries(LEVEL_SECTIONS)) {
    const ofKind = new Map<string, unknown>()
    for (const [index, level] of itemsOf(at(value, section)).entries()) {
      const id = text(at(level, 'id'))
      if (id === null) continue
      if (ofKind.has(id)) findings.push(error([section, index, 'id'], `the id \`${id}\` is already taken`))
      else ofKind.set(id, level)
    }
    levels.set(kind, ofKind)
  }
  findings.push(...checkRules(at(at(value, 'gateway'), 'rules'), ['gateway', 'rules']))
  for (const [section, kind] of Object.entries({ ...LEVEL_SECTIONS, keys: 'key' as const })) {
    for (const [index, member] of itemsOf(at(value, section)).entries()) {
      findings.push(...checkRules(at(member, 'rules'), [section, index, 'rules']))
      findings.push(...checkMember(member, kind, { path: [section, index], levels }))
    }
  }
  return findings
}

/** Rules that no value can reach, since the one before them has them all. */
function checkRules(rules: unknown, path: readonly (string | number)[]): Finding[] {
  const findings: Finding[] = []
  const taken = new Map<string, number>()
  for (const [index, rule] of itemsOf(rules).entries()) {
    const by = text(at(rule, 'by'))
    if (by === null) continue
    const first = taken.get(by)
    if (first !== undefined) {
      const message = `no value is left for this rule: \`rules[${first}]\` before it fits every ${by}; put it behind`
      findings.push(error([...path, index], message))
    }
    if (at(rule, 'only') === undefined && first === undefined) taken.set(by, index)
  }
  return findings
}

function checkMember(
  member: unknown,
  kind: Kind | 'key',
  { path, levels }: { path: readonly (string | number)[]; levels: ReadonlyMap<Kind, ReadonlyMap<string, unknown>> },
): Finding[] {
  const findings: Finding[] = []
  /** By kind, what it is in and who said so. */
  const found = new Map<Kind, { readonly id: string; readonly by: string }>()
  const follow = (of: unknown, parents: readonly Kind[], by: string) => {
    for (const parent of parents) {
      const id = text(at(of, parent))
      if (id === null) continue
      const before = found.get(parent)
      const level = levels.get(parent)?.get(id)
      if (before !== undefined && before.id !== id) {
        const message = `${by} is in the ${parent} \`${id}\`, and ${before.by} in \`${before.id}\`: one of them is wrong`
        findings.push(error([...path], message))
      } else if (level === undefined) {
        if (of !== member) continue // said where it is named
        const known = [...(levels.get(parent)?.keys() ?? [])]
        const message = `there is no ${parent} \`${id}\`: describe it in \`${parent}s\``
        findings.push(error([...path, parent], message, { suggestion: suggest(id, known) }))
      } else {
        if (before === undefined) found.set(parent, { id, by })
        follow(level, PARENTS[parent], `its ${parent}`)
      }
    }
  }
  follow(member, PARENTS[kind], 'it')
  return findings
}
