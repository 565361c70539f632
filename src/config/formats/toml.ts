import { parse, TomlDate, TomlError } from 'smol-toml'
import type { AST } from 'toml-eslint-parser'
import { type Locate, type Path, type Position, START } from '../position.ts'
import type { Fault, Parsed } from './format.ts'

/** TOML 1.0. The parser stops at the first fault, so there is never more than one. */
export function parseToml(text: string): Parsed {
  try {
    const value: unknown = plain(parse(text))
    return { value, faults: [], positions: () => loadLocate(text) }
  } catch (error) {
    return { value: undefined, faults: [syntaxFault(error)], positions: async () => () => START }
  }
}

function syntaxFault(error: unknown): Fault {
  if (error instanceof TomlError) {
    const [reason = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
    return { position: { line: error.line, column: error.column }, path: [], message: `TOML: ${reason}` }
  }
  if (error instanceof RangeError) return { position: START, path: [], message: 'TOML: nested too deeply' }
  throw error
}

/** TOML's own dates as the texts that the other formats have. */
function plain(value: unknown): unknown {
  if (value instanceof TomlDate) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

/** The value parser knows no positions of what is right; this one does, and is loaded only when one is asked for. */
async function loadLocate(text: string): Promise<Locate> {
  const { parseTOML } = await import('toml-eslint-parser')
  const places = new Map<string, { key: Position; value: Position }>()
  const put = (path: Path, key: Position, value: Position): void => {
    const id = JSON.stringify(path)
    if (!places.has(id)) places.set(id, { key, value })
  }
  for (const node of parseTOML(text).body[0].body) {
    if (node.type === 'TOMLTable') {
      putTable(node, put)
      for (const inner of node.body) putKeyValue(inner, node.resolvedKey, put)
    } else {
      putKeyValue(node, [], put)
    }
  }
  return (path, of) => {
    for (let length = path.length; length > 0; length--) {
      const place = places.get(JSON.stringify(path.slice(0, length)))
      if (place !== undefined) return of === 'key' && length === path.length ? place.key : place.value
    }
    return START
  }
}

type Put = (path: Path, key: Position, value: Position) => void

function startOf(node: AST.TOMLNode): Position {
  return { line: node.loc.start.line, column: node.loc.start.column + 1 }
}

function putTable(table: AST.TOMLTable, put: Put): void {
  let named = 0
  for (const [index, segment] of table.resolvedKey.entries()) {
    if (typeof segment === 'string') named++
    const part = table.key.keys[named - 1]
    if (part !== undefined) put(table.resolvedKey.slice(0, index + 1), startOf(part), startOf(part))
  }
}

function putKeyValue(node: AST.TOMLKeyValue, parent: Path, put: Put): void {
  let path = parent
  for (const part of node.key.keys) {
    path = [...path, part.type === 'TOMLBare' ? part.name : part.value]
    const isLast = part === node.key.keys.at(-1)
    put(path, startOf(part), startOf(isLast ? node.value : part))
  }
  putValue(node.value, path, put)
}

function putValue(node: AST.TOMLContentNode, path: Path, put: Put): void {
  if (node.type === 'TOMLArray') {
    for (const [index, element] of node.elements.entries()) {
      put([...path, index], startOf(element), startOf(element))
      putValue(element, [...path, index], put)
    }
  } else if (node.type === 'TOMLInlineTable') {
    for (const inner of node.body) putKeyValue(inner, path, put)
  }
}
