import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml'
import { createLineIndex, type Locate, type Path, type Position, START } from '../position.ts'
import type { Fault, Parsed } from './format.ts'

/** How many times anchors may be used, counted with the size of what they stand for: stops exponential expansion. */
const MAX_ALIAS_COUNT = 1000

/** YAML 1.2, core schema, one document, no tags beyond the core ones. A key that is there twice is a fault. */
export function parseYaml(text: string): Parsed {
  const at = createLineIndex(text)
  let document: Document.Parsed
  try {
    document = parseDocument(text, { prettyErrors: false, logLevel: 'error' })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return failed([atStart('nested too deeply')])
  }
  const { faults, duplicates } = documentFaults(document, at)
  if (faults.length > 0) return failed([...faults, ...duplicates])
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT })
    return { value: value ?? {}, faults: duplicates, positions: async () => createLocate(document, at) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return failed([atStart(error instanceof RangeError ? 'nested too deeply' : 'aliases expand to too much')])
  }
}

function failed(faults: readonly Fault[]): Parsed {
  return { value: undefined, faults, positions: async () => () => START }
}

function atStart(message: string): Fault {
  return { position: START, path: [], message: `YAML: ${message}` }
}

type PositionAt = (offset: number) => Position

/** Everything that is wrong with the text as YAML; duplicate keys apart, because they leave a value to go on with. */
function documentFaults(document: Document.Parsed, at: PositionAt): { faults: Fault[]; duplicates: Fault[] } {
  const faults: Fault[] = []
  const duplicateOffsets = new Set<number>()
  for (const { code, pos } of document.errors) {
    if (code === 'DUPLICATE_KEY') duplicateOffsets.add(pos[0])
    else faults.push({ position: at(pos[0]), path: [], message: `YAML: ${MESSAGES[code] ?? 'syntax error'}` })
  }
  const { explicit, version } = document.directives.yaml
  if (explicit === true && version !== '1.2') {
    faults.push(atStart(`version ${version} is not supported; remove the %YAML line`))
  }
  const duplicates: Fault[] = []
  faults.push(
    ...refusedNodes(document, at, (key, ancestors) => {
      const offset = key.range?.[0]
      if (offset === undefined || !duplicateOffsets.has(offset)) return
      duplicates.push({ position: at(offset), path: pathOf(key, ancestors), message: 'this key is already there' })
    }),
  )
  return { faults, duplicates }
}

/** The path of a key, from what encloses it. */
function pathOf(key: Scalar, ancestors: readonly unknown[]): Path {
  const path: (string | number)[] = []
  for (const [index, ancestor] of ancestors.entries()) {
    if (isPair(ancestor)) path.push(nameOf(ancestor.key))
    if (isSeq(ancestor)) path.push(ancestor.items.indexOf(ancestors[index + 1]))
  }
  return [...path, nameOf(key)]
}

/** The parser's own messages may quote the text, which may be a secret; these don't. */
const MESSAGES: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'not a valid alias; a text that starts with * or & needs quotes',
  BAD_DIRECTIVE: 'unknown directive; a text that starts with % needs quotes',
  BAD_DQ_ESCAPE: 'unknown escape in a double-quoted text; write \\\\ for a backslash',
  BAD_INDENT: 'wrong indentation, or a bracket that is not closed',
  BAD_SCALAR_START: 'a text cannot start with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a key and its value cannot follow another key on one line; is a line break missing?',
  BLOCK_IN_FLOW: 'inside brackets only the bracket notation is allowed',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'a quote, bracket, comma or colon is missing',
  MULTILINE_IMPLICIT_KEY: 'a colon is missing, or a key goes over several lines',
  MULTIPLE_ANCHORS: 'a value has two anchors',
  MULTIPLE_DOCS: 'a configuration is one document; remove the --- line and what follows',
  MULTIPLE_TAGS: 'a value has two tags',
  TAB_AS_INDENT: 'tabs cannot indent; use spaces',
  TAG_RESOLVE_FAILED: 'a tag that cannot be resolved',
  UNEXPECTED_TOKEN: 'unexpected text; is a quote, a colon or a line break missing?',
}

const CORE_TAG = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/

/**
 * Faults for what is YAML but not configuration: foreign tags, keys that are no texts, aliases of nothing, of what they
 * stand in, or too many. Calls `onKey` for every other key. Anchors are noted on the way: to look each one up would
 * take time that grows with the square of their number.
 */
function refusedNodes(
  document: Document.Parsed,
  at: PositionAt,
  onKey: (key: Scalar, ancestors: readonly unknown[]) => void,
): Fault[] {
  const faults: Fault[] = []
  const anchors = new Map<string, Node>()
  let aliases = 0
  const refuse = (node: Node | null, message: string): void => {
    faults.push({ position: at(node?.range?.[0] ?? 0), path: [], message: `YAML: ${message}` })
  }
  visit(document, {
    Alias(_key, alias, ancestors) {
      const anchored = anchors.get(alias.source)
      if (anchored === undefined) {
        refuse(alias, 'alias of an anchor that is not there; a text that starts with * needs quotes')
      } else if (ancestors.includes(anchored)) {
        refuse(alias, 'alias of the value that it stands in')
      }
      if (++aliases <= MAX_ALIAS_COUNT) return undefined
      refuse(alias, `more than ${MAX_ALIAS_COUNT} aliases`)
      return visit.BREAK
    },
    Value(_key, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
      if (node.tag !== undefined && !CORE_TAG.test(node.tag)) refuse(node, 'tags are not supported')
    },
    Pair(_key, { key }, ancestors) {
      if (isScalar(key) && (typeof key.value === 'string' || typeof key.value === 'number')) onKey(key, ancestors)
      else refuse(isNode(key) ? key : null, 'a key must be a text')
    },
  })
  return faults
}

function createLocate(document: Document.Parsed, at: PositionAt): Locate {
  return (path, of) => {
    let node: unknown = document.contents
    let offset = document.contents?.range[0] ?? 0
    for (const [depth, segment] of path.entries()) {
      if (isAlias(node)) node = node.resolve(document)
      if (isSeq(node)) {
        const item: unknown = typeof segment === 'number' ? node.items[segment] : undefined
        if (item === undefined) break
        node = item
        offset = startOf(item) ?? offset
      } else if (isMap(node)) {
        const pair: Pair | undefined = node.items.find((candidate) => nameOf(candidate.key) === segment)
        if (pair === undefined) break
        node = pair.value
        const wantsKey = of === 'key' && depth === path.length - 1
        offset = (wantsKey ? null : startOf(pair.value)) ?? startOf(pair.key) ?? offset
      } else {
        break
      }
    }
    return at(offset)
  }
}

function nameOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : ''
}

/** Offset of a node's first character; null for a value that is not written out, as in `key:`. */
function startOf(node: unknown): number | null {
  if (!(isScalar(node) || isMap(node) || isSeq(node) || isAlias(node))) return null
  const range = node.range
  return range && range[1] > range[0] ? range[0] : null
}
