import { baseUrlFault } from './base-url.ts'
import { type DocumentProblem, placeProblems } from './document-problem.ts'
import type { ConfigError } from './errors.ts'
import type { Path, Positions } from './position.ts'
import { type Environment, isReference, readSecretFile, resolveReference } from './reference.ts'
import type { ConfigDocument } from './schema.ts'

/** Where references are looked up, and the file that errors name. */
export interface ResolveOptions {
  readonly file: string
  readonly positions: Positions
  readonly env: Environment
  readonly readFile?: (path: string) => string
}

/**
 * Every reference of the document that cannot be used: a variable that is unset or empty, a file that cannot be read,
 * a value that cannot stand where the reference stands. No value is kept or shown.
 */
export async function unresolvedReferences(document: ConfigDocument, options: ResolveOptions): Promise<ConfigError[]> {
  const faults = referencesOf(document).flatMap(({ path, text, use }): DocumentProblem[] => {
    if (!isReference(text)) return []
    const resolved = resolveReference(text, options.env, options.readFile ?? readSecretFile)
    const message = resolved.ok ? valueFault(resolved.secret.reveal(), use) : resolved.missing
    return message === null ? [] : [{ path, message }]
  })
  return await placeProblems(faults, options)
}

type Use = 'header' | 'url' | 'database'

interface Place {
  readonly path: Path
  readonly text: string
  readonly use: Use
}

function referencesOf(document: ConfigDocument): Place[] {
  const places: Place[] = []
  const add = (path: Path, text: string | undefined, use: Use): void => {
    if (text !== undefined) places.push({ path, text, use })
  }
  for (const [name, provider] of Object.entries(document.providers)) {
    const path = ['providers', name]
    add([...path, 'api_key'], provider.api_key, 'header')
    add([...path, 'base_url'], provider.base_url, 'url')
    add([...path, 'organization'], provider.organization, 'header')
    for (const [header, text] of Object.entries(provider.headers)) add([...path, 'headers', header], text, 'header')
  }
  add(['storage', 'url'], document.storage.url, 'database')
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
    case 'database':
      return /^sqlite:./.test(value) ? null : 'stands for something else: expected `sqlite:` and the path of a file'
  }
}
