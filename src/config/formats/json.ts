import { type DocumentNode, type ObjectNode, parse, type ValueNode } from '@humanwhocodes/momoa'
import { type Locate, type Path, type Position, START } from '../position.ts'
import type { Fault, Parsed } from './format.ts'

/** JSON, with comments allowed. A key that is there twice is a fault. */
export function parseJson(text: string): Parsed {
  let document: DocumentNode
  try {
    document = parse(text, { mode: 'jsonc' })
  } catch (error) {
    return { value: undefined, faults: [syntaxFault(error, text)], positions: async () => () => START }
  }
  const faults: Fault[] = []
  const value = evaluate(document.body, [], faults)
  return { value, faults, positions: async () => createLocate(document.body) }
}

/** The parser's own messages quote the text, which may be a secret; these don't. */
const SYNTAX_MESSAGES: Readonly<Record<string, string>> = {
  UnexpectedChar: 'JSON: unexpected character; keys and texts stand in double quotes',
  UnexpectedIdentifier: 'JSON: unexpected word; keys and texts stand in double quotes',
  UnexpectedToken: 'JSON: unexpected token; is a comma, a colon or a bracket missing or too many?',
  InvalidUnicodeEscape: 'JSON: invalid Unicode escape',
}

function syntaxFault(error: unknown, text: string): Fault {
  if (error instanceof RangeError) return { position: START, path: [], message: 'JSON: nested too deeply' }
  if (!(error instanceof Error)) throw error
  if (error.constructor.name === 'UnexpectedEOF') {
    return {
      position: endOf(text),
      path: [],
      message: 'JSON: the text ends too early; a bracket or a quote is not closed',
    }
  }
  const position =
    'line' in error && 'column' in error ? { line: Number(error.line), column: Number(error.column) } : START
  return { position, path: [], message: SYNTAX_MESSAGES[error.constructor.name] ?? 'JSON: syntax error' }
}

function endOf(text: string): Position {
  const lines = text.trimEnd().split(/\r\n|\n|\r/)
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
}

function evaluate(node: ValueNode, path: Path, faults: Fault[]): unknown {
  switch (node.type) {
    case 'Object':
      return evaluateObject(node, path, faults)
    case 'Array':
      return node.elements.map((element, index) => evaluate(element.value, [...path, index], faults))
    case 'String':
    case 'Number':
    case 'Boolean':
      return node.value
    case 'Null':
    case 'NaN':
    case 'Infinity':
      // The last two belong to JSON5 and do not occur.
      return null
  }
}

function evaluateObject(node: ObjectNode, path: Path, faults: Fault[]): unknown {
  const entries = new Map<string, unknown>()
  for (const member of node.members) {
    const name = nameOf(member.name)
    const memberPath = [...path, name]
    if (entries.has(name)) {
      const { line, column } = member.name.loc.start
      faults.push({ position: { line, column }, path: memberPath, message: 'this key is already there' })
    } else {
      entries.set(name, evaluate(member.value, memberPath, faults))
    }
  }
  // fromEntries defines properties, so that a key `__proto__` is data like any other until it is refused.
  return Object.fromEntries(entries)
}

function nameOf(name: ObjectNode['members'][number]['name']): string {
  return name.type === 'String' ? name.value : name.name
}

function createLocate(root: ValueNode): Locate {
  return (path, of) => {
    let node = root
    let at: Position = root.loc.start
    for (const [depth, segment] of path.entries()) {
      const wantsKey = of === 'key' && depth === path.length - 1
      if (node.type === 'Array') {
        const element = typeof segment === 'number' ? node.elements[segment] : undefined
        if (element === undefined) break
        node = element.value
        at = node.loc.start
      } else if (node.type === 'Object') {
        const member = node.members.find((candidate) => nameOf(candidate.name) === segment)
        if (member === undefined) break
        node = member.value
        at = wantsKey ? member.name.loc.start : node.loc.start
      } else {
        break
      }
    }
    return { line: at.line, column: at.column }
  }
}
