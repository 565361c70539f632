/**
 * Conditions on headers, query parameters and the client's address, compiled once.
 *
 * A header and a parameter may come more than once. A condition looks at every value, never at the first alone, and
 * says which of them must match: `any` (one is enough, for what a rule is to catch) or `every` (all of them, and at
 * least one, for what a rule is to let through). A header's line counts as a whole and as the members between its commas, so
 * that two lines and one line with a comma are the same.
 */
import { BlockList, isIP } from 'node:net'
import { type CertificateRule, compileCertificateRule } from './certificate-match.ts'
import { PatternError } from './pattern-error.ts'
import type { RegexCompiler } from './regex-engine.ts'
import type { RouteRequest } from './route-request.ts'
import { Wildcard } from './wildcard.ts'

/** What a value must be. Case counts. */
export type ValueTest =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'prefix'; readonly text: string }
  /** `*` stands for any characters. */
  | { readonly kind: 'glob'; readonly pattern: string }
  /** RE2's syntax; it matches whole values. */
  | { readonly kind: 'regex'; readonly pattern: string }

/** Which of several values must pass. */
export type Quantifier = 'any' | 'every'

/** A condition on a header or a parameter. */
export interface NamedCondition {
  readonly name: string
  readonly is: 'present' | 'absent' | ValueTest
  /** `any` when it is not named; of no meaning for `present` and `absent`. */
  readonly values?: Quantifier
}

/** A compiled condition. */
export interface Condition {
  matches(request: RouteRequest, query: QueryParameters): boolean
}

/** The parameters of a query string, decoded once, and only when a condition asks. */
export class QueryParameters {
  #query = ''
  #decoded: URLSearchParams | null = null

  /** Takes the query string of the next request. */
  reset(query: string): void {
    this.#query = query
    this.#decoded = null
  }

  /** Every value of a parameter. `+` is a space; what is no proper encoding becomes U+FFFD. */
  all(name: string): readonly string[] {
    this.#decoded ??= new URLSearchParams(this.#query)
    return this.#decoded.getAll(name)
  }
}

/** Compiles a condition on a header, or throws a PatternError. */
export function compileHeader(condition: NamedCondition, regex: RegexCompiler | null): Condition {
  const name = condition.name.toLowerCase()
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) throw new PatternError(`"${condition.name}" is no name of a header`)
  const { is } = condition
  if (is === 'present') return { matches: ({ names }) => names.includes(name) }
  if (is === 'absent') return { matches: ({ names }) => !names.includes(name) }
  const test = compileTest(is, regex)
  const every = condition.values === 'every'
  return {
    matches({ names, values }) {
      let seen = false
      for (let at = names.indexOf(name); at >= 0; at = names.indexOf(name, at + 1)) {
        seen = true
        if (lineMatches(values[at] ?? '', test, every) !== every) return !every
      }
      return seen && every
    },
  }
}

/** Compiles a condition on a query parameter, or throws a PatternError. */
export function compileQuery(condition: NamedCondition, regex: RegexCompiler | null): Condition {
  const { name, is } = condition
  if (is === 'present') return { matches: (_, query) => query.all(name).length > 0 }
  if (is === 'absent') return { matches: (_, query) => query.all(name).length === 0 }
  const test = compileTest(is, regex)
  if (condition.values !== 'every') return { matches: (_, query) => query.all(name).some(test) }
  return {
    matches(_, query) {
      const values = query.all(name)
      return values.length > 0 && values.every(test)
    },
  }
}

/** Compiles a list of addresses and networks (`10.0.0.0/8`, `::1`), or throws a PatternError. */
export function compileAddresses(texts: readonly string[]): Condition {
  const list = new BlockList()
  for (const text of texts) addNetwork(list, text)
  return { matches: ({ clientAddress }) => includesAddress(list, clientAddress) }
}

/** Compiles a condition on the client's certificate, or throws a PatternError. */
export function compileCertificate(is: 'present' | 'absent' | CertificateRule): Condition {
  if (is === 'absent') return { matches: ({ certificate = null }) => certificate === null }
  const test = compileCertificateRule(is === 'present' ? {} : is)
  return { matches: ({ certificate = null }) => test(certificate) }
}

function lineMatches(line: string, test: (value: string) => boolean, every: boolean): boolean {
  if (test(line)) return true
  if (!line.includes(',')) return false
  const members = line.split(',').map((member) => member.trim())
  return every ? members.every(test) : members.some(test)
}

function compileTest(test: ValueTest, regex: RegexCompiler | null): (value: string) => boolean {
  switch (test.kind) {
    case 'exact':
      return (value) => value === test.text
    case 'prefix':
      return (value) => value.startsWith(test.text)
    case 'glob': {
      const wildcard = new Wildcard(test.pattern)
      return (value) => wildcard.matches(value, 0, value.length, null)
    }
    case 'regex': {
      if (regex === null) throw new Error('the engine for regular expressions was not loaded')
      const compiled = regex(test.pattern)
      return (value) => compiled.matches(value)
    }
  }
}

function addNetwork(list: BlockList, text: string): void {
  const [address = '', bits, more] = text.split('/')
  const family = isIP(address)
  const longest = family === 4 ? 32 : 128
  const length = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
  if (family === 0 || more !== undefined || length < 0 || length > longest) {
    throw new PatternError(`"${text}" is no address or network; write it as 10.0.0.0/8, 192.0.2.1 or fd00::/8`)
  }
  list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6')
}

/** True when the list holds the address; an IPv4 address counts as such in its IPv6 form too. */
function includesAddress(list: BlockList, address: string): boolean {
  const zone = address.indexOf('%')
  const plain = zone < 0 ? address : address.slice(0, zone)
  const family = isIP(plain)
  return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}
