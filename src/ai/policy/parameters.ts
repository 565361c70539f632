import { isObject } from '../ir/json.ts'

/** Where vendors put parameters beside the top level. */
const CONTAINERS: ReadonlySet<string> = new Set([
  'generationconfig',
  'inferenceconfig',
  'additionalmodelrequestfields',
  'parameters',
  'options',
  'config',
  'extrabody',
])

/** What vendors call the same parameter, without underscores and in lower case. */
const SAME: Readonly<Record<string, readonly string[]>> = {
  maxtokens: ['maxtokens', 'maxcompletiontokens', 'maxoutputtokens', 'maxtokenstosample', 'maxgenlen', 'numpredict'],
  n: ['n', 'candidatecount', 'numberofresults', 'samplecount'],
  stop: ['stop', 'stopsequences'],
  temperature: ['temperature'],
  topp: ['topp', 'p'],
  topk: ['topk', 'k'],
}

const SPELLINGS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.values(SAME).flatMap((same) => same.map((name) => [name, same] as const)),
)

/** All values that a body gives for a parameter: at the top level, where vendors nest it, and along dots of its name. */
export function valuesOf(body: Readonly<Record<string, unknown>>, parameter: string): readonly unknown[] {
  const path = parameter.split('.').map(plain)
  const nested = Object.entries(body).flatMap(([name, value]) =>
    CONTAINERS.has(plain(name)) && isObject(value) ? [value] : [],
  )
  return [body, ...nested].flatMap((container) => along(container, path))
}

function along(value: unknown, [name, ...rest]: readonly string[]): readonly unknown[] {
  if (name === undefined) return value === null || value === undefined ? [] : [value]
  if (!isObject(value)) return []
  const same = SPELLINGS.get(name) ?? [name]
  return Object.entries(value).flatMap(([key, inner]) => (same.includes(plain(key)) ? along(inner, rest) : []))
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}
