import { isObject, type JsonObject } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'
import type { BuiltinKind, BuiltinTool } from '../ir/request.ts'
import { builtinPath } from './carried.ts'

/**
 * What the vendors let a client say of a search or a fetch that they run themselves (Anthropic, "Web search tool" and "Web fetch
 * tool"; OpenAI, "Web search"; Google, "Grounding with Google Search"; 2026-11), in words of no vendor.
 */
export interface HostedLimits {
  readonly allowedDomains?: readonly unknown[]
  readonly blockedDomains?: readonly unknown[]
  readonly maxUses?: number
  /** `city`, `region`, `country` and `timezone`, all possibly missing. */
  readonly location?: JsonObject
  /** How much of what was found the model gets to read: `low`, `medium` or `high`. */
  readonly contextSize?: string
}

/** Names of the limits in reports. */
const NAMES: Readonly<Record<keyof HostedLimits, string>> = {
  allowedDomains: 'allowed_domains',
  blockedDomains: 'blocked_domains',
  maxUses: 'max_uses',
  location: 'user_location',
  contextSize: 'search_context_size',
}
/** What names a tool, and says nothing of it. */
const NAMING: ReadonlySet<string> = new Set(['type', 'name'])
const LOCATED = ['city', 'region', 'country', 'timezone'] as const
const NO_LIMITS: ReadonlySet<keyof HostedLimits> = new Set()
const WITH_LIMITS: ReadonlySet<BuiltinKind> = new Set(['web-search', 'url-context'])

/**
 * What a vendor's own tool of another dialect says that stands for it here: its limits as far as the upstream `holds` them. All
 * that is left of its definition is reported, each member by its name.
 */
export function limitsOf(
  tool: BuiltinTool,
  losses: Losses,
  holds: ReadonlySet<keyof HostedLimits> = NO_LIMITS,
): HostedLimits {
  const [limits, rest] = readLimits(tool)
  const path = builtinPath(tool)
  if (tool.cache !== undefined) losses.drop('tools[].cache_control')
  const kept: Record<string, unknown> = {}
  // The keys of the table.
  for (const name of Object.keys(NAMES) as (keyof HostedLimits)[]) {
    if (limits[name] === undefined) continue
    if (holds.has(name)) kept[name] = limits[name]
    else losses.drop(`${path}.${NAMES[name]}`)
  }
  for (const member of rest) losses.drop(`${path}.${member}`)
  return kept
}

/** `rest`: members that are no limits. */
function readLimits({ kind, definition }: BuiltinTool): [limits: HostedLimits, rest: readonly string[]] {
  const [only] = Object.keys(definition)
  const inner = only === undefined ? undefined : definition[only]
  // Gemini's tools are members of an object: their name, and what is said of them.
  const said = Object.keys(definition).length === 1 && isObject(inner) ? inner : definition
  if (!WITH_LIMITS.has(kind)) return [{}, namesOf(said)]
  const { allowed_domains, blocked_domains, max_uses, user_location, search_context_size, filters, ...others } = said
  const { allowed_domains: within, blocked_domains: without, ...otherFilters } = isObject(filters) ? filters : {}
  const { excludeDomains, ...unread } = others
  const limits: Record<string, unknown> = {}
  const [location, unlocated] = readLocation(user_location)
  if (Array.isArray(allowed_domains ?? within)) limits['allowedDomains'] = allowed_domains ?? within
  const blocked = blocked_domains ?? without ?? excludeDomains
  if (Array.isArray(blocked)) limits['blockedDomains'] = blocked
  if (typeof max_uses === 'number') limits['maxUses'] = max_uses
  if (location !== null) limits['location'] = location
  if (typeof search_context_size === 'string') limits['contextSize'] = search_context_size
  const rest = [...namesOf(unread), ...namesOf(otherFilters).map((name) => `filters.${name}`), ...unlocated]
  return [limits, rest]
}

/** Chat completions put the place into an object of its own. */
function readLocation(value: unknown): [location: JsonObject | null, rest: readonly string[]] {
  if (!isObject(value)) return [null, []]
  const { type: _, approximate, ...flat } = value
  const place = isObject(approximate) ? approximate : flat
  const known = LOCATED.flatMap((name) => ((place[name] ?? null) === null ? [] : [[name, place[name]] as const]))
  const beside = isObject(approximate) ? namesOf(flat) : []
  const rest = [...namesOf(place).filter((name) => !LOCATED.some((each) => each === name)), ...beside]
  return [known.length === 0 ? null : Object.fromEntries(known), rest.map((name) => `user_location.${name}`)]
}

/** Of members that say something. */
function namesOf(object: JsonObject): string[] {
  return Object.keys(object).filter((name) => !NAMING.has(name) && (object[name] ?? null) !== null)
}
