import type { Exchange } from '../exchange.ts'
import { hasImpossible } from '../http1/grammar.ts'
import { compileTemplate, type Template } from './template.ts'

/** Changes of a header list as the configuration has them. */
export interface HeaderEditRules {
  readonly set: Readonly<Record<string, string>>
  readonly add: Readonly<Record<string, string>>
  readonly remove: readonly string[]
}

/** Changes a flat header list in place. */
export type HeaderEdit = (x: Exchange, headers: string[]) => void

/** Compiles changes; null when there are none. Throws a RangeError for an unknown placeholder. */
export function compileHeaderEdits(rules: HeaderEditRules): HeaderEdit | null {
  const set = compiled(rules.set)
  const add = compiled(rules.add)
  const gone = new Set([...rules.remove.map((name) => name.toLowerCase()), ...set.map(([name]) => name)])
  if (gone.size === 0 && add.length === 0) return null
  return (x, headers) => {
    let kept = 0
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const name = headers[at] as string // in range
      if (gone.has(name)) continue
      headers[kept] = name
      headers[kept + 1] = headers[at + 1] as string // in range
      kept += 2
    }
    headers.length = kept
    for (const [name, value] of set) push(headers, name, value(x))
    for (const [name, value] of add) push(headers, name, value(x))
  }
}

function compiled(values: Readonly<Record<string, string>>): [string, Template][] {
  return Object.entries(values).map(([name, text]) => [name.toLowerCase(), compileTemplate(text)])
}

/** What a client sent may stand in a value: characters that no header may have are replaced. */
function push(headers: string[], name: string, value: string): void {
  headers.push(name, hasImpossible(value, 0, value.length) ? value.replaceAll(/[^\t -~\x80-\xff]/g, '?') : value)
}
