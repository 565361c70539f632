import { baseUrlFault } from './base-url.ts'
import { type DocumentProblem, placeProblems } from './document-problem.ts'
import type { ConfigError } from './errors.ts'
import type { Path, Positions } from './position.ts'
import { type Environment, isReference, readSecretFile, resolveReference } from './reference.ts'
import { at, entriesOf, text as textOf } from './value.ts'

/** Where references are looked up, and the file that errors name. */
export interface ResolveOptions {
  readonly file: string
  readonly positions: Positions
  readonly env: Environment
  readonly readFile?: (path: string) => string
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
  return await placeProblems(faults, options)
}

type Use = 'header' | 'url' | 'database'

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
    add([...path, 'api_key'], at(provider, 'api_key'), 'header')
    add([...path, 'base_url'], at(provider, 'base_url'), 'url')
    add([...path, 'organization'], at(provider, 'organization'), 'header')
    for (const [header, value] of entriesOf(at(provider, 'headers'))) add([...path, 'headers', header], value, 'header')
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
    case 'database':
      return /^sqlite:./.test(value) ? null : 'stands for something else: expected `sqlite:` and the path of a file'
  }
}
