import type { RouteConfig } from '../../config/index.ts'
import type { PathPattern } from '../match/path-pattern.ts'
import type { RouteMatchRule, RouteRule } from '../match/route-rule.ts'
import type { NamedCondition, ValueTest } from '../match/value-match.ts'

/** The rule by which requests take a route of the configuration. */
export function ruleOf<R>(config: RouteConfig, route: R): RouteRule<R> {
  const { id, priority, encoded_slash: encodedSlash, semicolon, encoded_percent: encodedPercent } = config
  return { id, match: matchOf(config), priority, encodedSlash, semicolon, encodedPercent, route }
}

function matchOf({ match, cors }: RouteConfig): RouteMatchRule {
  const methods = match.method === undefined ? null : new Set(match.method)
  // What may be read may be asked for without its body; a browser asks before it sends.
  if (methods?.has('GET') === true) methods.add('HEAD')
  if (methods !== null && cors !== undefined) methods.add('OPTIONS')
  return {
    ...(match.listener === undefined ? {} : { listeners: match.listener }),
    ...(match.host === undefined ? {} : { hosts: match.host }),
    ...(match.path === undefined ? {} : { paths: match.path.map(pathOf) }),
    ...(methods === null ? {} : { methods: [...methods] }),
    ...(match.header === undefined ? {} : { headers: conditionsOf(match.header) }),
    ...(match.query === undefined ? {} : { query: conditionsOf(match.query) }),
    ...(match.client === undefined ? {} : { addresses: match.client }),
    ...(match.client_certificate === undefined ? {} : { certificate: certificateOf(match.client_certificate) }),
  }
}

type MatchConfig = RouteConfig['match']
type PathConfig = NonNullable<MatchConfig['path']>[number]
type ConditionConfig = NonNullable<MatchConfig['header']>[string]

function pathOf(path: PathConfig): PathPattern {
  if (typeof path === 'string') {
    return path.includes('*') ? { kind: 'glob', pattern: path } : { kind: 'exact', path }
  }
  if ('exact' in path) return { kind: 'exact', path: path.exact }
  if ('prefix' in path) return { kind: 'prefix', path: path.prefix }
  if ('glob' in path) return { kind: 'glob', pattern: path.glob }
  return { kind: 'regex', pattern: path.regex }
}

function certificateOf(asked: NonNullable<MatchConfig['client_certificate']>): RouteMatchRule['certificate'] & {} {
  if (typeof asked === 'boolean') return asked ? 'present' : 'absent'
  return asked
}

function conditionsOf(conditions: Readonly<Record<string, ConditionConfig>>): NamedCondition[] {
  return Object.entries(conditions).map(([name, condition]) => {
    if (typeof condition === 'boolean') return { name, is: condition ? 'present' : 'absent' }
    if (typeof condition === 'string') return { name, is: testOf(condition) }
    return { name, is: namedTestOf(condition), values: condition.values }
  })
}

function testOf(text: string): ValueTest {
  return text.includes('*') ? { kind: 'glob', pattern: text } : { kind: 'exact', text }
}

function namedTestOf(condition: Exclude<ConditionConfig, boolean | string>): ValueTest {
  if ('exact' in condition) return { kind: 'exact', text: condition.exact }
  if ('prefix' in condition) return { kind: 'prefix', text: condition.prefix }
  if ('glob' in condition) return { kind: 'glob', pattern: condition.glob }
  return { kind: 'regex', pattern: condition.regex }
}
