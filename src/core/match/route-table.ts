/**
 * Which route serves a request: the first rule, in the order of `route-order.ts`, whose conditions all hold. The table is
 * compiled at load. An exact path is found in a map and gives back what was made at load, so it allocates nothing.
 */
import { decodedReading, readingWithoutParameters } from './canonical-path.ts'
import { type CompiledRule, compileRule, conditionsHold, hasRegex, type RouteMatch } from './compiled-rule.ts'
import { canonicalHost } from './host-pattern.ts'
import { PathIndex } from './path-index.ts'
import { loadRegexCompiler } from './regex-engine.ts'
import { compareRules } from './route-order.ts'
import type { RouteRequest } from './route-request.ts'
import type { RouteRule, RuleProblem } from './route-rule.ts'
import { QueryParameters } from './value-match.ts'

/** What the table says to a request. */
export type RouteOutcome<R> =
  | RouteMatch<R>
  /** Rules would have matched but for the method; `allow` lists theirs for the header of that name. */
  | { readonly type: 'method_not_allowed'; readonly allow: string }
  /** The path may be read in two ways that lead to different places, or has an encoded slash that its route refuses. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'none' }

export type CompiledTable<R> =
  | { readonly ok: true; readonly table: RouteTable<R> }
  | { readonly ok: false; readonly problems: readonly RuleProblem[] }

const NONE = { type: 'none' } as const
const ENCODED_SLASH = {
  type: 'refused',
  reason: 'The path has an encoded slash (%2F), which its route refuses.',
} as const
/** An expression looks at each character, at up to 5 µs (a path of 8 KiB would hold up everyone for 40 ms). */
const MAX_REGEX_PATH = 1_024
const TOO_LONG = {
  type: 'refused',
  reason: `The path is longer than ${MAX_REGEX_PATH} characters, which routes with regular expressions do not take.`,
} as const
const SEMICOLON = { type: 'refused', reason: 'The path has a semicolon (;), which its route refuses.' } as const
const ENCODED_PERCENT = {
  type: 'refused',
  reason: 'The path has an encoded percent sign (%25), which its route refuses.',
} as const
const TWO_READINGS = {
  type: 'refused',
  reason:
    'The path has encoded characters or parameters; decoded, or without them, it would lead to another route. Send it as it is.',
} as const

/** Compiles rules, or says everything that is wrong with them. */
export async function compileRouteTable<R>(rules: readonly RouteRule<R>[]): Promise<CompiledTable<R>> {
  const regex = rules.some(hasRegex) ? await loadRegexCompiler() : null
  const problems: RuleProblem[] = []
  const compiled = rules.flatMap((rule, index) => compileRule(rule, index, { regex, problems }))
  problems.push(...repeatedIds(rules), ...unreachable(compiled))
  return problems.length === 0 ? { ok: true, table: new RouteTable(compiled) } : { ok: false, problems }
}

export class RouteTable<R> {
  readonly #hosts = new Map<string, PathIndex<R>>()
  readonly #suffixes = new Map<string, PathIndex<R>>()
  readonly #anyHost = new PathIndex<R>()
  // Reused by every search: a search ends before the next begins. The arrays are filled anew and never emptied, because
  // an array of length 0 gives its memory back; what counts are the first items.
  readonly #query = new QueryParameters()
  readonly #indexes: PathIndex<R>[] = []
  #indexCount = 0
  /** The host that the indexes were chosen for; most requests of a connection have the same. */
  #host: string | null | undefined
  readonly #lists: (readonly CompiledRule<R>[])[] = []
  #best: CompiledRule<R> | null = null
  #missedMethod = false
  /** A route was not tried, because its expression would take too long. */
  #tooLong = false

  constructor(rules: readonly CompiledRule<R>[]) {
    for (const [rank, rule] of rules.toSorted(compareRules).entries()) {
      rule.rank = rank
      this.#indexFor(rule).add(rule)
    }
  }

  /** The route of a request, or why there is none. */
  find(request: RouteRequest): RouteOutcome<R> {
    const { path } = request
    this.#tooLong = false
    const rule = this.#search(request, path)
    if (this.#tooLong) return TOO_LONG
    if (rule === null) return this.#missedMethod ? this.#methodOutcome(request) : NONE
    if (!path.includes('%') && !path.includes(';')) return rule.found
    if (!rule.allowsSemicolon && path.includes(';')) return SEMICOLON
    if (!rule.allowsEncodedPercent && path.includes('%25')) return ENCODED_PERCENT
    if (!rule.allowsEncodedSlash && path.includes('%2F')) return ENCODED_SLASH
    return this.#isSameInOtherReadings(request, rule) ? rule.found : TWO_READINGS
  }

  /**
   * The route of a path that the gateway made itself, whatever marks it has; null when there is none, `unknown` when it is too
   * long for the expressions.
   */
  leadsTo(request: RouteRequest): R | null | 'unknown' {
    this.#tooLong = false
    const rule = this.#search(request, request.path)
    return this.#tooLong ? 'unknown' : (rule?.found.route ?? null)
  }

  #indexFor({ host }: CompiledRule<R>): PathIndex<R> {
    if (host === null) return this.#anyHost
    const [map, key] = host.kind === 'exact' ? [this.#hosts, host.host] : [this.#suffixes, host.suffix]
    const index = map.get(key) ?? new PathIndex<R>()
    map.set(key, index)
    return index
  }

  #search(request: RouteRequest, path: string): CompiledRule<R> | null {
    this.#best = null
    this.#missedMethod = false
    this.#query.reset(request.query)
    if (request.host !== this.#host) this.#chooseIndexes(request.host)
    for (let at = 0; at < this.#indexCount; at++) {
      this.#searchIndex(this.#indexes[at] as PathIndex<R>, request, path) // in range
    }
    return this.#best
  }

  /** Indexes whose host matches: the exact one, the wildcards from the longest, that of every host. */
  #chooseIndexes(name: string | null): void {
    this.#host = name
    const indexes = this.#indexes
    let count = 0
    if (this.#hosts.size > 0 || this.#suffixes.size > 0) {
      const host = canonicalHost(name)
      const exact = this.#hosts.get(host)
      if (exact !== undefined) indexes[count++] = exact
      if (this.#suffixes.size > 0) {
        for (let dot = host.indexOf('.', 1); dot > 0; dot = host.indexOf('.', dot + 1)) {
          const index = this.#suffixes.get(host.slice(dot))
          if (index !== undefined) indexes[count++] = index
        }
      }
    }
    indexes[count++] = this.#anyHost
    this.#indexCount = count
  }

  #searchIndex(index: PathIndex<R>, request: RouteRequest, path: string): void {
    const exact = index.exact(path)
    if (exact !== undefined) this.#tryList(exact, request, path)
    if (this.#best !== null && this.#best.rank < index.patternRank) return
    const lists = this.#lists
    for (let at = index.collect(path, lists) - 1; at >= 0; at--) {
      this.#tryList(lists[at] as CompiledRule<R>[], request, path) // in range
    }
    this.#tryList(index.open, request, path)
  }

  #tryList(rules: readonly CompiledRule<R>[], request: RouteRequest, path: string): void {
    for (let at = 0; at < rules.length; at++) {
      const rule = rules[at] as CompiledRule<R> // in range
      if (this.#best !== null && this.#best.rank < rule.rank) return
      if (rule.methods !== null && !rule.methods.has(request.method)) this.#missedMethod = true
      else if (isTooLong(rule, path)) this.#tooLong = true
      else if (pathHolds(rule, path) && conditionsHold(rule, request, this.#query)) {
        this.#best = rule
        return
      }
    }
  }

  /** No rule matches, and some have other methods: which of them match but for that? */
  #methodOutcome(request: RouteRequest): RouteOutcome<R> {
    const { path } = request
    const rules = this.#indexes
      .slice(0, this.#indexCount)
      .flatMap((index) => {
        const lists = this.#lists.slice(0, index.collect(path, this.#lists))
        return [...(index.exact(path) ?? []), ...lists.flat(), ...index.open]
      })
      .filter((rule) => !isTooLong(rule, path) && pathHolds(rule, path) && conditionsHold(rule, request, this.#query))
    const methods = new Set(rules.flatMap((rule) => [...(rule.methods ?? [])]))
    return methods.size === 0 ? NONE : { type: 'method_not_allowed', allow: [...methods].sort().join(', ') }
  }

  /**
   * A server behind a route may decode what the path keeps encoded, and cut parameters off, before or after: whatever it
   * reads must be the same route's to serve.
   */
  #isSameInOtherReadings(request: RouteRequest, rule: CompiledRule<R>): boolean {
    const decoded = decodedReading(request.path)
    return (
      this.#isSameAt(request, decoded, rule) &&
      this.#isSameAt(request, readingWithoutParameters(request.path), rule) &&
      this.#isSameAt(request, decoded === null ? null : readingWithoutParameters(decoded), rule)
    )
  }

  #isSameAt(request: RouteRequest, path: string | null, rule: CompiledRule<R>): boolean {
    if (path === null) return true
    const other = this.#search(request, path)
    if (other !== null) return other.index === rule.index
    return !this.#missedMethod || this.#methodOutcome({ ...request, path }).type === 'none'
  }
}

/** True when the path may match an expression, and is too long to be asked. */
function isTooLong({ path }: CompiledRule<unknown>, asked: string): boolean {
  return path?.kind === 'regex' && asked.length > MAX_REGEX_PATH && asked.startsWith(path.literalStart)
}

/** True when the path matches; the index has looked at exact paths and prefixes already. */
function pathHolds({ path }: CompiledRule<unknown>, asked: string): boolean {
  return path === null || path.kind === 'exact' || path.kind === 'prefix' || path.matches(asked)
}

function repeatedIds(rules: readonly RouteRule<unknown>[]): readonly RuleProblem[] {
  const first = new Map<string, number>()
  return rules.flatMap(({ id }, index) => {
    if (first.has(id))
      return [{ index, id, field: 'id' as const, message: `another rule is called "${id}"; rename one` }]
    first.set(id, index)
    return []
  })
}

/** Rules that match what one before them matches, and nothing else. */
function unreachable(rules: readonly CompiledRule<unknown>[]): readonly RuleProblem[] {
  const first = new Map<string, CompiledRule<unknown>>()
  for (const rule of rules) if (!first.has(rule.key)) first.set(rule.key, rule)
  return [...Map.groupBy(rules, ({ index }) => index)].flatMap(([index, parts]) => {
    const before = parts.map(({ key }) => first.get(key))
    if (before.some((rule) => rule === undefined || rule.index === index)) return []
    const id = parts[0]?.found.id ?? ''
    const message = `it matches the same as "${before[0]?.found.id}", which comes first, so it is never reached; remove one`
    return [{ index, id, field: 'match' as const, message }]
  })
}
