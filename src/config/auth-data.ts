import { readFile } from 'node:fs/promises'
import type * as z from 'zod'
import { formatOf, loadParser } from './formats/format.ts'
import { CONFIG_MAX_BYTES } from './load.ts'
import { formatPath, type Path } from './position.ts'
import type { authData } from './schema/auth-data.ts'

/** Tenants, keys, roles and who has them. */
export type AuthData = z.infer<typeof authData>

/** Reads the file of `ferro auth serve`. Rejects with an Error that names everything that is wrong, with its place. */
export async function loadAuthData(file: string): Promise<AuthData> {
  const bytes = await readFile(file)
  if (bytes.length > CONFIG_MAX_BYTES) throw new Error(`${file} is over ${CONFIG_MAX_BYTES} bytes`)
  const parse = await loadParser(formatOf(file) ?? 'yaml')
  const { value, faults } = await parse(bytes.toString('utf8'))
  if (value === undefined || faults.length > 0) {
    const told = faults.map(({ message, position }) => `${file}:${position.line}:${position.column}: ${message}`)
    throw new Error(told.join('\n') || `${file} is empty`)
  }
  const { authData: schema } = await import('./schema/auth-data.ts')
  const result = schema.safeParse(value)
  if (!result.success) {
    // Fields and indexes alone.
    const told = result.error.issues.map(({ path, message }) => `${file}: ${formatPath(path as Path)}: ${message}`)
    throw new Error(told.join('\n'))
  }
  const dangling = danglingIn(result.data)
  if (dangling.length > 0) throw new Error(dangling.map((message) => `${file}: ${message}`).join('\n'))
  return result.data
}

/** Names that lead nowhere, or stand twice. */
function danglingIn({ tenants, api_keys: keys, roles, bindings }: AuthData): string[] {
  const problems: string[] = []
  for (const [section, list] of Object.entries({ tenants, api_keys: keys, roles, bindings })) {
    const seen = new Set<string>()
    for (const [at, { id }] of list.entries()) {
      if (seen.has(id)) problems.push(`${section}[${at}].id: the id "${id}" is already taken`)
      seen.add(id)
    }
  }
  const secrets = new Set<string>()
  for (const [at, { secret }] of keys.entries()) {
    if (secrets.has(secret)) problems.push(`api_keys[${at}].secret: another key has it too`)
    secrets.add(secret)
  }
  const known = new Set(tenants.map(({ id }) => id))
  for (const [section, list] of Object.entries({ api_keys: keys, bindings })) {
    for (const [at, { tenant }] of list.entries()) {
      if (typeof tenant !== 'string' || known.has(tenant)) continue
      problems.push(`${section}[${at}].tenant: there is no tenant "${tenant}"`)
    }
  }
  for (const [at, { role_id: role }] of bindings.entries()) {
    if (!roles.some(({ id }) => id === role)) problems.push(`bindings[${at}].role_id: there is no role "${role}"`)
  }
  return problems
}
