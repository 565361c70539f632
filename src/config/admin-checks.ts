import type { Finding } from './checks.ts'
import { suggest } from './suggest.ts'
import { at, entriesOf, error, itemsOf, text, warning } from './value.ts'

/** Admins that share an id or a token with somebody, or are for a level that is not there. */
export function checkAdmins(value: unknown): Finding[] {
  const ids = new Set<string>()
  const hashes = new Map(itemsOf(at(value, 'keys')).map((key, index) => [hashOf(key), `keys[${index}]`]))
  return itemsOf(at(at(value, 'control'), 'admins')).flatMap((admin, index) => {
    const path = ['control', 'admins', index]
    const findings: Finding[] = []
    const id = text(at(admin, 'id'))
    if (id !== null && ids.has(id)) findings.push(error([...path, 'id'], `the id \`${id}\` is already taken`))
    if (id !== null) ids.add(id)
    const hash = hashOf(admin)
    const owner = hash === null ? undefined : hashes.get(hash)
    if (owner !== undefined) {
      findings.push(error([...path, 'hash'], `the same hash as ${owner}: one token cannot be two`))
    } else hashes.set(hash, `control.admins[${index}]`)
    for (const [kind, level] of entriesOf(at(admin, 'within'))) {
      const known = itemsOf(at(value, `${kind}s`)).flatMap((each) => text(at(each, 'id')) ?? [])
      const name = text(level)
      if (name === null || known.includes(name)) continue
      const message = `there is no ${kind} \`${name}\` in this file: the admin sees nothing until the admin API has made one`
      findings.push(warning([...path, 'within', kind], message, { suggestion: suggest(name, known) }))
    }
    if (makesKeys(admin) && entriesOf(at(admin, 'grants')).length === 0) {
      const message =
        'it may make keys that may do anything, and as many as it likes: say with `grants` what it may give'
      findings.push(warning(path, message))
    }
    return findings
  })
}

const KEY_MAKERS: ReadonlySet<unknown> = new Set(['admin', 'admin.write', 'keys.write'])

function makesKeys(admin: unknown): boolean {
  return itemsOf(at(admin, 'scopes')).some((scope) => KEY_MAKERS.has(scope))
}

function hashOf(value: unknown): string | null {
  return text(at(value, 'hash'))?.toLowerCase() ?? null
}
