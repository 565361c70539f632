import { hash } from 'node:crypto'
import type { ModelRequest, ToolNamespace } from '../../ir/request.ts'

const HASH_LENGTH = 8

/**
 * What tools of namespaces are called where there are none: `namespace__tool`, and something behind it where another tool of
 * the request has that name. The same request gives the same names, so that calls of earlier turns find their tools.
 */
export class FlatNames {
  readonly #taken: Set<string>
  readonly #names = new Map<string, string>()

  /** Names of the tools that stand in no namespace keep theirs. */
  constructor(plain: readonly string[]) {
    this.#taken = new Set(plain)
  }

  of(namespace: string, tool: string): string {
    const key = JSON.stringify([namespace, tool])
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const joined = `${namespace}__${tool}`
    const name = this.#taken.has(joined) ? `${joined}_${hash('sha256', key).slice(0, HASH_LENGTH)}` : joined
    this.#taken.add(name)
    this.#names.set(key, name)
    return name
  }
}

/** The namespaces of a request's tools, by the names of the tools; null: there are none. */
export function namespacesOf({ tools }: ModelRequest): ReadonlyMap<string, ToolNamespace> | null {
  let found: Map<string, ToolNamespace> | null = null
  for (const tool of tools) {
    if (tool.type === 'builtin' || tool.namespace === undefined) continue
    found ??= new Map()
    found.set(tool.name, tool.namespace)
  }
  return found
}
