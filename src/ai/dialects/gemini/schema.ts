import { isObject, type JsonObject } from '../../ir/json.ts'
import { boundsOf, enumOf, typesOf } from './schema-parts.ts'

/**
 * JSON Schema → what the vendor takes. `openapi` is its `Schema` message (`parameters`, `responseSchema`): no references,
 * one type a schema, enums of strings. `json` is its subset of JSON Schema (`parametersJsonSchema`,
 * `responseJsonSchema`): references and several types, but fewer limits. (API reference, "Schema" and
 * "GenerationConfig", 2026.)
 */
export type SchemaForm = 'openapi' | 'json'

export interface CompiledSchema {
  readonly schema: JsonObject
  /** Keywords that are gone, and those that say nearly the same now. */
  readonly dropped: readonly string[]
  readonly adapted: readonly string[]
}

/** A reference that leads into itself is followed this often, then anything goes. */
const DEEPEST_REFERENCE = 4
/** The vendor refuses deeper ones long before. */
const DEEPEST = 64
/** So many schemas is more than the vendor takes. */
const MOST_SCHEMAS = 4000
/** Written out, references multiply: so many characters may come of all of one request's. */
const MOST_WRITTEN_OUT = 500_000

/** What the references of one request's schemas may still become. */
export class ReferenceBudget {
  #left = MOST_WRITTEN_OUT

  /** Whether a schema of this length may be put in the place of a reference. */
  takes(length: number): boolean {
    this.#left -= Math.min(length, this.#left)
    return this.#left > 0
  }
}

const KEPT: Readonly<Record<SchemaForm, ReadonlySet<string>>> = {
  openapi: new Set(
    'title description default example minItems maxItems minProperties maxProperties minLength maxLength pattern minimum maximum required propertyOrdering nullable'.split(
      ' ',
    ),
  ),
  json: new Set(
    '$id $anchor $defs $ref format title description default minItems maxItems minimum maximum required propertyOrdering additionalProperties prefixItems'.split(
      ' ',
    ),
  ),
}

/** Formats of each type that `Schema` knows; others are refused. */
const FORMATS: Readonly<Record<string, ReadonlySet<string>>> = {
  STRING: new Set(['date-time', 'enum']),
  NUMBER: new Set(['float', 'double']),
  INTEGER: new Set(['int32', 'int64']),
}

/** Say nothing that a model could obey; leaving them out changes nothing. */
const SILENT: ReadonlySet<string> = new Set(['$schema', '$comment', 'definitions', '$defs', 'examples', 'readOnly'])

export function compileSchema(
  schema: JsonObject,
  form: SchemaForm,
  budget: ReferenceBudget = new ReferenceBudget(),
): CompiledSchema {
  return new Compiler(schema, form, budget).run()
}

/** What a reference stands for. */
interface Target {
  readonly schema: JsonObject
  readonly length: number
}

class Compiler {
  readonly #root: JsonObject
  readonly #form: SchemaForm
  readonly #dropped = new Set<string>()
  readonly #adapted = new Set<string>()
  /** How often each reference is open right now. */
  readonly #open = new Map<string, number>()
  readonly #targets = new Map<string, Target | null>()
  readonly #budget: ReferenceBudget
  #schemas = 0

  constructor(root: JsonObject, form: SchemaForm, budget: ReferenceBudget) {
    this.#root = root
    this.#form = form
    this.#budget = budget
  }

  run(): CompiledSchema {
    const schema = this.#schema(this.#root, 0)
    return { schema, dropped: [...this.#dropped], adapted: [...this.#adapted] }
  }

  #schema(value: unknown, depth: number): JsonObject {
    if (value === true || !isObject(value)) return {}
    if (depth > DEEPEST) {
      this.#dropped.add('depth')
      return {}
    }
    if (++this.#schemas > MOST_SCHEMAS) {
      this.#dropped.add('size')
      return {}
    }
    const reference = value['$ref']
    if (typeof reference === 'string') {
      // With a reference nothing else may stand beside it.
      if (this.#form === 'json') return this.#reference(value, reference, depth)
      return this.#inlined(value, reference, depth)
    }
    if (Array.isArray(value['allOf'])) return this.#schema(this.#joined(value, value['allOf']), depth + 1)
    const out: Record<string, unknown> = {}
    for (const [name, member] of Object.entries(value)) this.#member(name, member, out, depth)
    this.#type(value, out, depth)
    this.#bounds(value, out)
    return out
  }

  #reference(value: JsonObject, reference: string, depth: number): JsonObject {
    const out: Record<string, unknown> = { $ref: reference.replace(/^#\/definitions\//, '#/$defs/') }
    for (const [name, member] of Object.entries(value)) {
      if (name === '$defs' || name === 'definitions') out['$defs'] = this.#map(member, depth)
      else if (!name.startsWith('$')) this.#dropped.add(name)
    }
    return out
  }

  #inlined(value: JsonObject, reference: string, depth: number): JsonObject {
    const times = this.#open.get(reference) ?? 0
    const target = this.#target(reference)
    if (target === null || times >= DEEPEST_REFERENCE) {
      this.#dropped.add('$ref')
      return { type: 'OBJECT' }
    }
    if (!this.#budget.takes(target.length)) {
      this.#dropped.add('size')
      return {}
    }
    this.#open.set(reference, times + 1)
    const { $ref: _, ...beside } = value
    const schema = this.#schema({ ...target.schema, ...beside }, depth + 1)
    this.#open.set(reference, times)
    return schema
  }

  #target(reference: string): Target | null {
    const known = this.#targets.get(reference)
    if (known !== undefined) return known
    const schema = resolved(this.#root, reference)
    const target = schema === undefined ? null : { schema, length: JSON.stringify(schema).length }
    this.#targets.set(reference, target)
    return target
  }

  #member(name: string, member: unknown, out: Record<string, unknown>, depth: number): void {
    switch (name) {
      case 'type':
      case 'enum':
      case 'const':
      case 'format':
      case 'minimum':
      case 'maximum':
      case 'exclusiveMinimum':
      case 'exclusiveMaximum':
        return // together, below
      case 'properties':
        out[name] = this.#map(member, depth)
        return
      case 'items':
        if (Array.isArray(member)) this.#dropped.add(name)
        else out[name] = this.#schema(member, depth + 1)
        return
      case 'oneOf':
      case 'anyOf':
        if (Array.isArray(member)) this.#alternatives(member, out, depth)
        return
      case '$defs':
      case 'definitions':
        if (this.#form === 'json') out['$defs'] = this.#map(member, depth)
        return
      case 'prefixItems':
        if (this.#form !== 'json' || !Array.isArray(member)) this.#dropped.add(name)
        else out[name] = member.map((item) => this.#schema(item, depth + 1))
        return
      case 'additionalProperties':
        if (this.#form !== 'json') this.#dropped.add(name)
        else out[name] = isObject(member) ? this.#schema(member, depth + 1) : member
        return
      case 'nullable':
        if (this.#form === 'openapi') out[name] = member
        return
      default:
        if (KEPT[this.#form].has(name)) out[name] = member
        else if (!SILENT.has(name)) this.#dropped.add(name)
    }
  }

  #map(member: unknown, depth: number): JsonObject {
    const out: Record<string, unknown> = {}
    if (!isObject(member)) return out
    for (const [name, schema] of Object.entries(member)) out[name] = this.#schema(schema, depth + 1)
    return out
  }

  #alternatives(schemas: readonly unknown[], out: Record<string, unknown>, depth: number): void {
    const some = schemas.filter((schema) => !(isObject(schema) && schema['type'] === 'null'))
    const nullable = some.length < schemas.length
    if (this.#form === 'json' || !nullable) {
      out['anyOf'] = schemas.map((schema) => this.#schema(schema, depth + 1))
      return
    }
    out['nullable'] = true
    if (some.length === 1) Object.assign(out, this.#schema(some[0], depth + 1), { nullable: true })
    else if (some.length > 1) out['anyOf'] = some.map((schema) => this.#schema(schema, depth + 1))
  }

  /**
   * What must hold all at once, as one schema: members and required names of all, and of anything else that several say of
   * themselves the last word, with a report. References within are followed, as their members must stand beside the others'.
   */
  #joined(value: JsonObject, list: readonly unknown[]): JsonObject {
    const { allOf: _, ...beside } = value
    const out: Record<string, unknown> = {}
    if (list.length > 1 || Object.keys(beside).some((name) => !SILENT.has(name))) this.#adapted.add('allOf')
    for (const item of [...list, beside]) {
      for (const [name, member] of Object.entries(this.#followed(item, 0))) {
        const before = out[name]
        if (before === undefined || same(before, member) || WORDS.has(name)) out[name] = member
        else if (isObject(before) && isObject(member)) out[name] = this.#bothMembers(name, before, member)
        else if (name === 'required' && Array.isArray(before) && Array.isArray(member)) {
          out[name] = [...new Set<unknown>([...before, ...member])]
        } else {
          this.#dropped.add(`allOf.${name}`)
          out[name] = member
        }
      }
    }
    return out
  }

  /** A member that two schemas describe must be as both say. */
  #bothMembers(name: string, before: JsonObject, member: JsonObject): JsonObject {
    if (name !== 'properties')
      return name === '$defs' || name === 'definitions' ? { ...before, ...member } : { allOf: [before, member] }
    const out: Record<string, unknown> = { ...before }
    for (const [key, schema] of Object.entries(member)) {
      out[key] = key in before && !same(before[key], schema) ? { allOf: [before[key], schema] } : schema
    }
    return out
  }

  /** A part of `allOf` with the members of what it refers to, and of its own `allOf`. */
  #followed(item: unknown, steps: number): JsonObject {
    if (!isObject(item)) return {}
    if (++this.#schemas > MOST_SCHEMAS) {
      this.#dropped.add('size')
      return {}
    }
    const { $ref: reference, ...beside } = item
    if (typeof reference === 'string') {
      const target = resolved(this.#root, reference)
      if (target === undefined || steps >= DEEPEST_REFERENCE) {
        this.#dropped.add('$ref')
        return beside
      }
      return this.#followed({ allOf: [target, beside] }, steps + 1)
    }
    const { allOf: list, ...rest } = item
    if (!Array.isArray(list)) return item
    if (steps >= DEEPEST_REFERENCE * 2) {
      this.#dropped.add('allOf')
      return rest
    }
    return this.#joined(
      { allOf: undefined, ...rest },
      list.map((each) => this.#followed(each, steps + 1)),
    )
  }

  #type(value: JsonObject, out: Record<string, unknown>, depth: number): void {
    const { types, nullable } = typesOf(value['type'])
    const choice = enumOf(value)
    if (this.#form === 'json') {
      if (value['type'] !== undefined) out['type'] = lowered(value['type'], value['nullable'] === true)
      if (choice !== null) out['enum'] = choice.values
      if (typeof value['format'] === 'string') out['format'] = value['format']
      return
    }
    const [first = choice?.type] = types
    if (nullable || choice?.nullable === true) out['nullable'] = true
    if (types.length > 1) {
      // Each alternative keeps what is said of all: members that are of another type do not disturb.
      const { type: _, ...rest } = value
      const names = ['properties', 'required', 'items', 'enum', 'format', 'minimum', 'maximum']
      const own = Object.fromEntries(Object.entries(rest).filter(([name]) => names.includes(name)))
      for (const name of Object.keys(own)) delete out[name]
      out['anyOf'] = types.map((type) => this.#schema({ ...own, type }, depth + 1))
      return
    }
    if (first !== undefined) out['type'] = first.toUpperCase()
    else if (isObject(value['properties'])) out['type'] = 'OBJECT'
    if (choice !== null && choice.values.length > 0) {
      out['enum'] = choice.values.map((item) => (typeof item === 'string' ? item : JSON.stringify(item)))
      if (choice.values.some((item) => typeof item !== 'string')) {
        // Enums are of strings here; a number's own type goes with it.
        out['type'] = 'STRING'
        this.#adapted.add('enum')
      }
    }
    const { format } = value
    if (typeof format !== 'string') return
    if (FORMATS[String(out['type'])]?.has(format) === true) out['format'] = format
    else this.#dropped.add('format')
  }

  #bounds(value: JsonObject, out: Record<string, unknown>): void {
    const bounds = boundsOf(value)
    // An enum of strings has no bounds.
    if (out['type'] === 'STRING') return
    if (bounds.minimum !== undefined) out['minimum'] = bounds.minimum
    if (bounds.maximum !== undefined) out['maximum'] = bounds.maximum
    for (const name of bounds.widened) this.#adapted.add(name)
  }
}

/** Say something to a reader only: of several the nearest counts. */
const WORDS: ReadonlySet<string> = new Set([
  'title',
  'description',
  'default',
  'example',
  'examples',
  '$schema',
  '$comment',
  '$id',
])

function same(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

/** Types of JSON Schema are in lower case; `nullable` is no word of it. */
function lowered(type: unknown, nullable: boolean): unknown {
  const types = (Array.isArray(type) ? type : [type]).map((item) => String(item).toLowerCase())
  if (nullable && !types.includes('null')) types.push('null')
  return types.length === 1 ? types[0] : types
}

/** What a reference within the document points to. */
function resolved(root: JsonObject, reference: string): JsonObject | undefined {
  if (!reference.startsWith('#')) return undefined
  let at: unknown = root
  for (const step of reference.slice(1).split('/').filter(Boolean)) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    at = isObject(at) || Array.isArray(at) ? Reflect.get(at, name) : undefined
  }
  return isObject(at) ? at : undefined
}
