import { hash } from 'node:crypto'
import { type Candidate, type Exchange, GatewayError } from '../core/index.ts'
import type { RuleKind } from '../storage/index.ts'
import { principalOf } from './identify.ts'
import type { ValueName } from './level-document.ts'
import { addressIdentity } from './route-limits.ts'
import { runIdOf } from './said-values.ts'
import type { TrafficPort } from './traffic.ts'
import type { RequestValue, RuleGroup } from './value-rules.ts'

/** Longer values are counted by their hash. */
const MOST_CHARACTERS = 128
const MOST_TAGS = 16
/** The value of requests that say none, where they are counted together. */
const NONE = ''

/** Finds what a request is counted on by rules: all values, the first one that this thread must ask for, or why it is refused. */
export function valuesOf(
  x: Exchange,
  candidate: Candidate,
  { groups, port, found }: { groups: readonly RuleGroup[]; port: TrafficPort; found: RequestValue[] },
): ValueName | GatewayError | null {
  for (const group of groups) {
    const said = saidOf(x, candidate, group.by, port)
    if (said instanceof GatewayError) return said
    if (said === null || said.length === 0) {
      if (group.whenAbsent === 'ignore') continue
      if (group.whenAbsent === 'refuse') return absent(group.by)
      const missing = look(group, NONE, found)
      if (missing !== null) return missing
    } else if (typeof said === 'string') {
      const missing = look(group, said, found)
      if (missing !== null) return missing
    } else {
      for (const value of said) {
        const missing = look(group, value, found)
        if (missing !== null) return missing
      }
    }
  }
  return null
}

function look(group: RuleGroup, said: string, found: RequestValue[]): ValueName | null {
  const value = countedValue(said)
  const known = group.values.get(value)
  if (known !== undefined) {
    found.push(known)
    return null
  }
  return group.fits(value) ? { level: group.level, by: group.by, value } : null
}

/** The name under which a value is counted. */
export function countedValue(said: string): string {
  return said.length > MOST_CHARACTERS ? `sha256:${hash('sha256', said)}` : said.toWellFormed()
}

function saidOf(
  x: Exchange,
  candidate: Candidate,
  by: RuleKind,
  port: TrafficPort,
): string | readonly string[] | GatewayError | null {
  switch (by) {
    case 'address':
      return addressIdentity(x.origin?.address ?? x.client.address ?? '')
    case 'principal':
      return principalOf(x).id
    case 'user':
      return principalOf(x).named.user
    case 'run':
      return runIdOf(x)
    case 'key_tag':
      return [...principalOf(x).tags]
    case 'tag':
      return tagsOf(x.head.get('x-ferro-tags'))
    default:
      return port.said(x, candidate, by)
  }
}

/** All of them, or an error: a tag that nobody counts would be a way around its limits. */
function tagsOf(text: string | null): readonly string[] | GatewayError | null {
  if (text === null) return null
  const tags = new Set(text.split(',').map((tag) => tag.trim()))
  tags.delete('')
  if (tags.size <= MOST_TAGS) return [...tags]
  const message = `The header x-ferro-tags has ${tags.size} tags; this API key is counted by them and may send ${MOST_TAGS}.`
  return new GatewayError('invalid_request', message)
}

const HOW: Partial<Record<RuleKind, string>> = {
  run: 'the header x-ferro-run-id',
  tag: 'the header x-ferro-tags',
  session: 'the header x-ferro-session',
  end_user: "the header x-ferro-end-user, or the dialect's own field",
}

function absent(by: RuleKind): GatewayError {
  if (by === 'user') return new GatewayError('insufficient_scope', 'This API key belongs to no user, as it must here.')
  const how = HOW[by]
  const message = `This API key must say a ${by.replace('_', ' ')} with each request${how === undefined ? '' : `: in ${how}`}.`
  return new GatewayError('invalid_request', message)
}
