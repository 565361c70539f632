import { isObject } from '../ir/json.ts'

/** Members that switch on a vendor's own search without a tool of that name. */
const SEARCH_MEMBERS: ReadonlySet<string> = new Set([
  'web_search_options',
  'webSearchOptions',
  'search_parameters',
  'searchParameters',
  'enable_search',
  'web_search',
])
const SEARCH = 'web_search'
/** Vendors put a date behind the kinds of hosted tools: `web_search_20250305`. */
const DATE = /_(?:preview(?:_\d[\d_]*)?|\d{8}|\d{4}_\d{2}_\d{2})$/
/** What the kinds of some vendors are called here. */
const SAME_KIND: ReadonlyMap<string, string> = new Map([
  ['googlesearch', SEARCH],
  ['googlesearchretrieval', SEARCH],
  ['enterprisewebsearch', SEARCH],
  ['web', SEARCH],
  ['codeexecution', 'code_interpreter'],
  ['code_execution', 'code_interpreter'],
  ['urlcontext', 'web_fetch'],
])
/** Kinds that say nothing: the name behind them does. */
const PLAIN: ReadonlySet<string> = new Set(['function', 'custom'])

/** Every tool that a request offers, in any dialect, by all names that people may know it by. */
export function toolsIn(body: Readonly<Record<string, unknown>>): readonly (readonly string[])[] {
  const found: string[][] = []
  for (const tool of listOf(body['tools'])) found.push(...namesOf(tool))
  for (const tool of listOf(body['functions'])) found.push(...namesOf(tool))
  const config = body['toolConfig'] ?? body['tool_config']
  if (isObject(config)) for (const tool of listOf(config['tools'])) found.push(...namesOf(tool))
  for (const server of listOf(body['mcp_servers'])) found.push(['mcp', ...labels(server)])
  for (const plugin of listOf(body['plugins'])) {
    const id = isObject(plugin) && typeof plugin['id'] === 'string' ? plugin['id'] : 'plugin'
    found.push([id, SAME_KIND.get(id) ?? id])
  }
  for (const [name, value] of Object.entries(body)) {
    if (SEARCH_MEMBERS.has(name) && value !== null && value !== false) found.push([SEARCH, name])
  }
  return found
}

/** One entry of a list may stand for several tools: declarations of functions, and kinds beside them. */
function namesOf(tool: unknown): string[][] {
  if (typeof tool === 'string') return [kinds(tool)]
  if (!isObject(tool)) return [['unknown']]
  const { type, name, function: declared, toolSpec } = tool
  const inner = isObject(declared) ? declared['name'] : isObject(toolSpec) ? toolSpec['name'] : null
  const named = [name, inner].filter((each) => typeof each === 'string')
  if (typeof type === 'string') {
    if (type === 'namespace') return withinNamespace(tool)
    const ofKind = PLAIN.has(type) && named.length > 0 ? [] : kinds(type)
    return [[...new Set([...ofKind, ...named, ...labels(tool)])]]
  }
  if (named.length > 0) return [named]
  return Object.entries(tool).flatMap(([kind, value]) => {
    const declarations = /^function_?declarations$/i.test(kind) ? listOf(value) : null
    if (declarations === null) return [kinds(kind)]
    return declarations.map((each) => [isObject(each) && typeof each['name'] === 'string' ? each['name'] : 'unknown'])
  })
}

/** Tools of a namespace go by their own names, by both, and by that of the namespace alone. */
function withinNamespace({ name, tools }: Readonly<Record<string, unknown>>): string[][] {
  const own = ['namespace', ...(typeof name === 'string' ? [name] : [])]
  const inner = listOf(tools).flatMap(namesOf)
  if (inner.length === 0) return [own]
  return inner.map((names) => [...new Set([...own, ...names, ...names.map((each) => `${String(name)}__${each}`)])])
}

function kinds(kind: string): string[] {
  const plain = kind.replace(DATE, '')
  const known = SAME_KIND.get(plain.toLowerCase().replaceAll('_', '')) ?? SAME_KIND.get(plain)
  return [...new Set([kind, plain, ...(known === undefined ? [] : [known])])]
}

function labels(server: unknown): string[] {
  if (!isObject(server)) return []
  const label = server['server_label'] ?? (server['type'] === 'url' ? server['name'] : undefined)
  return typeof label === 'string' ? [`mcp:${label}`] : []
}

function listOf(value: unknown): readonly unknown[] {
  // What should be a list and is none is a tool that nobody knows.
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]
}
