import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'

/**
 * Keywords that the API refuses in schemas that it holds a model to ("Structured outputs", JSON Schema limitations, 2026): limits of numbers, of
 * lengths and of counts, and whatever a grammar cannot say.
 */
const REFUSED: ReadonlySet<string> = new Set([
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'maxItems',
  'uniqueItems',
  'contains',
  'minContains',
  'maxContains',
  'minProperties',
  'maxProperties',
  'patternProperties',
  'propertyNames',
  'unevaluatedProperties',
  'unevaluatedItems',
  'dependentRequired',
  'dependentSchemas',
  'not',
  'if',
  'then',
  'else',
])

const FORMATS: ReadonlySet<unknown> = new Set([
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'uri',
  'ipv4',
  'ipv6',
  'uuid',
])

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const ONE: ReadonlySet<string> = new Set(['items'])
const LISTS: ReadonlySet<string> = new Set(['anyOf', 'allOf', 'oneOf'])
const BY_NAME: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions'])

/**
 * A schema of another dialect in the subset that the API takes: objects take no further members, and what cannot be enforced is told the
 * model in the description, with a report under `path`. The same object when nothing has to change.
 */
export function withinSubset(schema: JsonObject, losses: Losses, path: string): JsonObject {
  const compiled = compile(schema)
  if (compiled !== schema) losses.adapt(path)
  return compiled
}

/**
 * Whether the API can hold a model to a schema without changing what it says ("Structured outputs", JSON Schema limitations, 2026): its
 * objects have the members that are named and no others, so that a map would become an empty object; schemas must not hold themselves, and
 * point nowhere else.
 */
export function isHoldable(schema: JsonObject): boolean {
  return holds(schema, { root: schema, open: new Set(), held: new Set() })
}

interface Walk {
  readonly root: JsonObject
  /** References that are being followed. */
  readonly open: Set<string>
  /** Those that were followed: references multiply when each is followed again. */
  readonly held: Set<string>
}

function holds(value: unknown, walk: Walk): boolean {
  if (!isObject(value)) return true
  if (isMap(value)) return false
  const { $ref: reference, allOf } = value
  if (Array.isArray(allOf) && allOf.some((item) => isObject(item) && item['$ref'] !== undefined)) return false
  if (typeof reference === 'string' && !followed(reference, walk)) return false
  return Object.entries(value).every(([name, member]) => {
    if (ONE.has(name)) return holds(member, walk)
    if (LISTS.has(name)) return !Array.isArray(member) || member.every((item) => holds(item, walk))
    return name !== 'properties' || !isObject(member) || Object.values(member).every((item) => holds(item, walk))
  })
}

function followed(reference: string, walk: Walk): boolean {
  if (walk.held.has(reference)) return true
  if (walk.open.has(reference)) return false
  const target = pointed(walk.root, reference)
  if (target === undefined) return false
  walk.open.add(reference)
  const held = holds(target, walk)
  walk.open.delete(reference)
  if (held) walk.held.add(reference)
  return held
}

function pointed(root: JsonObject, reference: string): unknown {
  if (!reference.startsWith('#/')) return undefined
  let at: unknown = root
  for (const step of reference.slice(2).split('/')) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    at = isObject(at) ? at[name] : undefined
  }
  return at
}

/** An object whose members have no names of their own, or that has more than are named. */
function isMap({ type, properties, additionalProperties, patternProperties }: JsonObject): boolean {
  if (patternProperties !== undefined || additionalProperties === true || isObject(additionalProperties)) return true
  const named = isObject(properties) && Object.keys(properties).length > 0
  const object = Array.isArray(type) ? type.includes('object') : type === 'object'
  return object && !named && additionalProperties !== false
}

function compile(schema: JsonObject): JsonObject {
  const out: Record<string, unknown> = {}
  const told: string[] = []
  let changed = false
  for (const [name, value] of Object.entries(schema)) {
    if (isRefused(name, value)) {
      told.push(`${name}: ${JSON.stringify(value)}`)
      changed = true
      continue
    }
    const wire = name === 'oneOf' ? 'anyOf' : name
    out[wire] = compileMember(name, value)
    if (out[wire] !== value || wire !== name) changed = true
  }
  const open = isObject(schema['properties']) || schema['type'] === 'object'
  if (open && schema['additionalProperties'] !== false) {
    out['additionalProperties'] = false
    changed = true
  }
  if (told.length > 0) {
    const before = typeof schema['description'] === 'string' ? `${schema['description']} ` : ''
    out['description'] = `${before}(${told.join(', ')})`
  }
  return changed ? out : schema
}

function isRefused(name: string, value: unknown): boolean {
  if (name === 'minItems') return value !== 0 && value !== 1
  if (name === 'format') return !FORMATS.has(value)
  return REFUSED.has(name)
}

function compileMember(name: string, value: unknown): unknown {
  if (ONE.has(name) && isObject(value)) return compile(value)
  if (LISTS.has(name) && Array.isArray(value)) {
    const items = value.map((item: unknown) => (isObject(item) ? compile(item) : item))
    return items.some((item, index) => item !== value[index]) ? items : value
  }
  if (!BY_NAME.has(name) || !isObject(value)) return value
  const entries = Object.entries(value).map(([key, item]) => [key, isObject(item) ? compile(item) : item] as const)
  return entries.some(([key, item]) => item !== value[key]) ? Object.fromEntries(entries) : value
}
