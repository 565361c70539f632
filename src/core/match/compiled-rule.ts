/** A rule made ready, one for each of its hosts and paths: what the table keeps and the order compares. */
import { compileHost, type HostPattern } from './host-pattern.ts'
import { type CompiledPath, compilePath, NO_CAPTURES, type PathCaptures } from './path-pattern.ts'
import { PatternError } from './pattern-error.ts'
import type { RegexCompiler } from './regex-engine.ts'
import type { RouteRequest } from './route-request.ts'
import type { RouteMatchRule, RouteRule, RuleProblem } from './route-rule.ts'
import {
  type Condition,
  compileAddresses,
  compileCertificate,
  compileHeader,
  compileQuery,
  type QueryParameters,
} from './value-match.ts'

/** The route that was found. It is made at load: finding it makes nothing. */
export interface RouteMatch<R> {
  readonly type: 'route'
  readonly id: string
  readonly route: R
  /** What the path's pattern took of the path, for placeholders; worked out when it is asked. */
  captures(path: string): PathCaptures
}

export interface CompiledRule<R> {
  /** Place in the order of the table; lower is tried first. Set once all rules are known. */
  rank: number
  /** Position of the rule in the configuration. */
  readonly index: number
  /** Which of the rule's hosts and paths. */
  readonly part: number
  /** Equal for rules that match the same at the same priority. */
  readonly key: string
  readonly priority: number
  readonly host: HostPattern | null
  readonly path: CompiledPath | null
  readonly methods: ReadonlySet<string> | null
  readonly listeners: ReadonlySet<string> | null
  readonly conditions: readonly Condition[] | null
  /** How many of method, header, query, address, certificate and listener conditions it has. */
  readonly conditionCount: number
  readonly allowsEncodedSlash: boolean
  readonly allowsSemicolon: boolean
  readonly allowsEncodedPercent: boolean
  readonly found: RouteMatch<R>
}

/** True when everything but host, path and method holds. */
export function conditionsHold<R>(rule: CompiledRule<R>, request: RouteRequest, query: QueryParameters): boolean {
  if (rule.listeners !== null && !rule.listeners.has(request.listener)) return false
  if (rule.conditions === null) return true
  for (const condition of rule.conditions) if (!condition.matches(request, query)) return false
  return true
}

/** True when a rule has a regular expression, so that the engine must be loaded. */
export function hasRegex({ match }: RouteRule<unknown>): boolean {
  const named = [...(match.headers ?? []), ...(match.query ?? [])]
  return (
    (match.paths ?? []).some(({ kind }) => kind === 'regex') ||
    named.some(({ is }) => typeof is !== 'string' && is.kind === 'regex')
  )
}

/** Compiles one rule; what is wrong with it goes into `problems`, all of it. */
export function compileRule<R>(
  rule: RouteRule<R>,
  index: number,
  { regex, problems }: { readonly regex: RegexCompiler | null; readonly problems: RuleProblem[] },
): readonly CompiledRule<R>[] {
  const { id, match, priority = 0, route } = rule
  const report = (field: RuleProblem['field'], message: string, item?: number) =>
    problems.push({ index, id, field, message, ...(item === undefined ? {} : { item }) })

  function each<T, U>(field: keyof RouteMatchRule, items: readonly T[] | undefined, compile: (item: T) => U): U[] {
    if (items?.length === 0) report(field, `${field} is an empty list, which nothing matches; leave it out`)
    return (items ?? []).flatMap((item, at) => {
      try {
        return [compile(item)]
      } catch (error) {
        if (!(error instanceof PatternError)) throw error
        report(field, error.message, at)
        return []
      }
    })
  }

  const before = problems.length
  if (!Number.isSafeInteger(priority)) report('priority', `priority is ${priority}; write a whole number`)
  const hosts = each('hosts', match.hosts, compileHost)
  const paths = each('paths', match.paths, (pattern) => compilePath(pattern, regex))
  for (const [at, { kind, text }] of paths.entries()) {
    const mark = kind === 'regex' ? null : refusedMark(text, rule)
    if (mark !== null)
      report('paths', `"${text}" matches nothing: ${mark} in a path is refused, unless the route allows it`, at)
  }
  const methods = each('methods', match.methods, methodName)
  const listeners = each('listeners', match.listeners, (name) => name)
  const addresses = each('addresses', match.addresses && [match.addresses], compileAddresses)
  const certificate = each('certificate', match.certificate && [match.certificate], compileCertificate)
  const headers = each('headers', match.headers, (condition) => compileHeader(condition, regex))
  const query = each('query', match.query, (condition) => compileQuery(condition, regex))
  if (match.addresses?.length === 0)
    report('addresses', 'addresses is an empty list, which nothing matches; leave it out')
  if (problems.length > before) return []

  const conditions = [...headers, ...query, ...addresses, ...certificate]
  const shared = {
    rank: 0,
    index,
    priority,
    methods: methods.length === 0 ? null : new Set(methods),
    listeners: listeners.length === 0 ? null : new Set(listeners),
    conditions: conditions.length === 0 ? null : conditions,
    conditionCount: conditions.length + (methods.length > 0 ? 1 : 0) + (listeners.length > 0 ? 1 : 0),
    allowsEncodedSlash: rule.encodedSlash === 'allow',
    allowsSemicolon: rule.semicolon === 'allow',
    allowsEncodedPercent: rule.encodedPercent === 'allow',
  }
  const { headers: named, query: asked, addresses: from, certificate: shown } = match
  const same = JSON.stringify([methods.sort(), listeners.sort(), named, asked, from, shown])
  const places = orNone(hosts).flatMap((host) => orNone(paths).map((path) => ({ host, path })))
  return places.map(({ host, path }, part) => {
    const key = JSON.stringify([priority, host, path?.kind, path?.text, same])
    const captures = (asked: string) => path?.captures(asked) ?? NO_CAPTURES
    return { ...shared, host, path, part, key, found: { type: 'route', id, route, captures } }
  })
}

/** A mark of the pattern that the rule takes no path with. */
function refusedMark(text: string, { semicolon, encodedPercent }: RouteRule<unknown>): string | null {
  if (semicolon !== 'allow' && text.includes(';')) return '";"'
  return encodedPercent !== 'allow' && text.includes('%25') ? '"%25"' : null
}

function orNone<T>(items: readonly T[]): readonly (T | null)[] {
  return items.length === 0 ? [null] : items
}

function methodName(method: string): string {
  if (/^[A-Z][A-Z-]*$/.test(method)) return method
  throw new PatternError(`"${method}" is no method; write it in upper case, as in GET`)
}
