import { isObject } from '../../lib/index.ts'

/** A JSON schema, as much of it as anyone wrote. */
export type Schema = Readonly<Record<string, unknown>>

/** Things said in a conversation that may serve as values; each is used once, then the next. */
export interface Hints {
  readonly texts: string[]
  readonly numbers: number[]
  /** For members that hold an answer. */
  readonly answer: string
}

const MAX_DEPTH = 12
const MAX_NODES = 2_000
const MAX_ITEMS = 20
const MAX_TEXT = 2_000
const ANSWER_NAMES = /^(?:answer|content|message|reply|response|result|summary|text)$/i

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-02',
  'date-time': '2026-01-02T03:04:05Z',
  time: '03:04:05Z',
  duration: 'PT1H',
  email: 'demo@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000001',
}

/**
 * A value that fits a JSON schema: types, required members, enum, const, bounds of length and size, formats, `$ref`
 * into the same document, anyOf, oneOf, allOf. A `pattern` is not followed. The same input gives the same value.
 */
export function valueFor(schema: Schema, hints: Hints): unknown {
  return make(schema, '', { root: schema, hints, depth: 0, budget: { left: MAX_NODES } })
}

interface Context {
  readonly root: Schema
  readonly hints: Hints
  readonly depth: number
  /** Schemas that may still be looked at: one that refers to itself twice would double with each level. */
  readonly budget: { left: number }
}

function make(input: unknown, name: string, context: Context): unknown {
  if (context.depth > MAX_DEPTH || --context.budget.left < 0 || !isObject(input)) return null
  const inner = { ...context, depth: context.depth + 1 }
  const schema = resolve(input, inner)
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return pick(schema['enum'], context.hints)
  if ('default' in schema) return schema['default']
  switch (typeOf(schema)) {
    case 'object':
      return makeObject(schema, inner)
    case 'array':
      return makeArray(schema, name, inner)
    case 'integer':
      return makeNumber(schema, context.hints, 'integer')
    case 'number':
      return makeNumber(schema, context.hints, 'number')
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return makeText(schema, name, context.hints)
  }
}

/** Follows `$ref`, takes the first of anyOf and oneOf, and merges allOf. */
function resolve(schema: Schema, context: Context): Schema {
  let current = schema
  for (let i = 0; i < MAX_DEPTH; i++) {
    if (context.depth > MAX_DEPTH || --context.budget.left < 0) return {}
    if (typeof current['$ref'] === 'string') {
      current = lookUp(current['$ref'], context.root)
      continue
    }
    const options = current['anyOf'] ?? current['oneOf']
    if (Array.isArray(options)) {
      const option: unknown = options.find((each) => isObject(each) && each['type'] !== 'null') ?? options[0]
      current = { ...current, anyOf: undefined, oneOf: undefined, ...(isObject(option) ? option : {}) }
      continue
    }
    if (Array.isArray(current['allOf'])) {
      const inner = { ...context, depth: context.depth + 1 }
      const parts = current['allOf'].filter(isObject).map((part) => resolve(part, inner))
      const all = [{ ...current, allOf: undefined }, ...parts]
      current = {
        ...Object.assign({}, ...all),
        properties: Object.assign({}, ...all.map((part) => part['properties'])),
        required: all.flatMap((part) => (Array.isArray(part['required']) ? part['required'] : [])),
      }
      continue
    }
    return current
  }
  return {}
}

function lookUp(reference: string, root: Schema): Schema {
  if (!reference.startsWith('#')) return {}
  let found: unknown = root
  for (const part of reference
    .slice(1)
    .split('/')
    .filter((each) => each !== '')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined
  }
  return isObject(found) ? found : {}
}

function typeOf(schema: Schema): unknown {
  const type: unknown = Array.isArray(schema['type'])
    ? (schema['type'].find((each) => each !== 'null') ?? 'null')
    : schema['type']
  if (type !== undefined) return type
  if (isObject(schema['properties'])) return 'object'
  return schema['items'] === undefined ? 'string' : 'array'
}

function makeObject(schema: Schema, context: Context): Record<string, unknown> {
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const wanted = Array.isArray(schema['required']) ? schema['required'].filter((each) => typeof each === 'string') : []
  // fromEntries defines members, so that a member called __proto__ is a member and nothing else.
  return Object.fromEntries(
    [...new Set(wanted)].map((name) => {
      const member: unknown = Object.hasOwn(properties, name) ? properties[name] : {}
      return [name, make(member, name, context)]
    }),
  )
}

function makeArray(schema: Schema, name: string, context: Context): unknown[] {
  const length = Math.min(Math.max(numberAt(schema, 'minItems') ?? 1, 0), MAX_ITEMS)
  const limit = numberAt(schema, 'maxItems') ?? length
  return Array.from({ length: Math.min(length, Math.max(limit, 0)) }, () => make(schema['items'] ?? {}, name, context))
}

function makeNumber(schema: Schema, hints: Hints, kind: 'integer' | 'number'): number {
  const step = kind === 'integer' ? 1 : 0.5
  const above = numberAt(schema, 'exclusiveMinimum')
  const below = numberAt(schema, 'exclusiveMaximum')
  const min = numberAt(schema, 'minimum') ?? (above === null ? null : above + step)
  const max = numberAt(schema, 'maximum') ?? (below === null ? null : below - step)
  let value = hints.numbers.shift() ?? 1
  if (kind === 'integer') value = Math.trunc(value)
  if (max !== null) value = Math.min(value, kind === 'integer' ? Math.floor(max) : max)
  if (min !== null) value = Math.max(value, kind === 'integer' ? Math.ceil(min) : min)
  const multiple = numberAt(schema, 'multipleOf')
  return multiple !== null && multiple > 0 ? Math.ceil(value / multiple) * multiple : value
}

function makeText(schema: Schema, name: string, hints: Hints): string {
  const format = schema['format']
  if (typeof format === 'string' && FORMATS[format] !== undefined) return FORMATS[format]
  const example: unknown = Array.isArray(schema['examples']) ? schema['examples'][0] : undefined
  const fallback = typeof example === 'string' ? example : name === '' ? 'example' : `example ${name}`
  const answers = ANSWER_NAMES.test(name) && hints.answer !== ''
  let text = answers ? hints.answer : (hints.texts.shift() ?? fallback)
  const min = numberAt(schema, 'minLength') ?? 0
  if (text.length < min) text = text.padEnd(Math.min(min, MAX_TEXT), '.')
  return text.slice(0, Math.max(numberAt(schema, 'maxLength') ?? MAX_TEXT, 0))
}

/** The value that was mentioned, else the first. */
function pick(values: readonly unknown[], hints: Hints): unknown {
  const mentioned = values.find((value) => {
    return typeof value === 'string' && hints.texts.some((text) => text.toLowerCase() === value.toLowerCase())
  })
  return mentioned ?? values[0]
}

function numberAt(schema: Schema, name: string): number | null {
  const value = schema[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
