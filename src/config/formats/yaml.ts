import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml'
import { createLineIndex, type Locate, type Position, START } from '../position.ts'
import type { Fault, Parsed } from './format.ts'

/** How many times anchors may be used, counted with the size of what they stand for: stops exponential expansion. */
const MAX_ALIAS_COUNT = 1000

/** YAML 1.2, core schema, one document, no tags beyond the core ones. A key that is there twice is a fault. */
export function parseYaml(text: string): Parsed {
  const at = createLineIndex(text)
  let document: Document.Parsed
  try {
    document = parseDocument(text, { prettyErrors: false, stringKeys: false, logLevel: 'silent' })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return failed([{ position: START, path: [], message: 'YAML: nested too deeply' }])
  }
  const duplicates: Fault[] = []
  const faults: Fault[] = []
  for (const error of document.errors) {
    const fault: Fault = { position: at(error.pos[0]), path: [], message: messageOf(error.code) }
    ;(error.code === 'DUPLICATE_KEY' ? duplicates : faults).push(fault)
  }
  const { explicit, version } = document.directives.yaml
  if (explicit === true && version !== '1.2') {
    faults.push({
      position: START,
      path: [],
      message: `YAML: version ${version} is not supported; remove the %YAML line`,
    })
  }
  faults.push(...refusedNodes(document, at))
  if (faults.length > 0) return failed([...faults, ...duplicates])
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT })
    return { value: value ?? {}, faults: duplicates, positions: async () => createLocate(document, at) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const message = error instanceof RangeError ? 'YAML: nested too deeply' : 'YAML: aliases expand to too much'
    return failed([{ position: START, path: [], message }])
  }
}

function failed(faults: readonly Fault[]): Parsed {
  return { value: undefined, faults, positions: async () => () => START }
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
  DUPLICATE_KEY: 'this key is already there',
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

function messageOf(code: ErrorCode): string {
  const message = MESSAGES[code] ?? 'syntax error'
  return code === 'DUPLICATE_KEY' ? message : `YAML: ${message}`
}

const CORE_TAG = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/

/** Faults for what is YAML but not configuration: foreign tags, keys that are no texts, aliases of nothing or of themselves. */
function refusedNodes(document: Document.Parsed, at: (offset: number) => Position): Fault[] {
  const faults: Fault[] = []
  const refuse = (node: Node | null, message: string): void => {
    faults.push({ position: at(node?.range?.[0] ?? 0), path: [], message: `YAML: ${message}` })
  }
  visit(document, {
    Node(_key, node, ancestors) {
      if (isAlias(node)) {
        const anchored = node.resolve(document)
        if (anchored === undefined)
          refuse(node, 'alias of an anchor that is not there; a text that starts with * needs quotes')
        else if (ancestors.includes(anchored)) refuse(node, 'alias of the value that it stands in')
      } else if (node.tag !== undefined && !CORE_TAG.test(node.tag)) {
        refuse(node, 'tags are not supported')
      }
    },
    Pair(_key, pair) {
      const { key } = pair
      const named = isScalar(key) && (typeof key.value === 'string' || typeof key.value === 'number')
      if (!named) refuse(isNode(key) ? key : null, 'a key must be a text')
    },
  })
  return faults
}

function createLocate(document: Document.Parsed, at: (offset: number) => Position): Locate {
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
