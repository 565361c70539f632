import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import { takesJsonSchema } from './model-generation.ts'
import { type CompiledSchema, compileSchema, ReferenceBudget, type SchemaForm } from './schema.ts'

export interface ChosenSchema {
  readonly form: SchemaForm
  readonly schema: JsonObject
}

/** What is the same for all schemas of one request. */
export interface SchemaChoosing {
  readonly model: string
  readonly losses: Losses
  readonly budget: ReferenceBudget
}

export function schemaChoosing({ model, losses }: { readonly model: string; readonly losses: Losses }): SchemaChoosing {
  return { model, losses, budget: new ReferenceBudget() }
}

/**
 * A schema in the form that says the most of it: `Schema` where it says all, which every model takes, or else the
 * vendor's JSON Schema where the model takes that. What neither can say is reported under `path`.
 */
export function chooseSchema(schema: JsonObject, path: string, choosing: SchemaChoosing): ChosenSchema {
  const { model, losses, budget } = choosing
  const openapi = compileSchema(schema, 'openapi', budget)
  if (costOf(openapi) === 0 || !takesJsonSchema(model)) return reported('openapi', openapi, path, losses)
  const json = compileSchema(schema, 'json', budget)
  return costOf(json) <= costOf(openapi)
    ? reported('json', json, path, losses)
    : reported('openapi', openapi, path, losses)
}

function costOf({ dropped, adapted }: CompiledSchema): number {
  return dropped.length * 2 + adapted.length
}

function reported(form: SchemaForm, compiled: CompiledSchema, path: string, losses: Losses): ChosenSchema {
  for (const name of compiled.dropped) losses.drop(`${path}.${name}`)
  for (const name of compiled.adapted) losses.adapt(`${path}.${name}`)
  return { form, schema: compiled.schema }
}

/** The vendor's `Schema` as JSON Schema: types in lower case, `nullable` among them, whole numbers as numbers. */
export function toJsonSchema(schema: JsonObject): JsonObject {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(schema)) {
    const key = SNAKE[name] ?? name
    if (key === 'type') out[key] = typeof value === 'string' ? value.toLowerCase() : value
    else if (key === 'properties' && isObject(value)) {
      out[key] = Object.fromEntries(Object.entries(value).map(([at, item]) => [at, nested(item)]))
    } else if (key === 'items') out[key] = nested(value)
    else if (key === 'anyOf' && Array.isArray(value)) out[key] = value.map(nested)
    else if (COUNTS.has(key) && typeof value === 'string') out[key] = Number(value)
    else if (key !== 'nullable') out[key] = value
  }
  if (schema['nullable'] === true) addNull(out)
  return out
}

function addNull(out: Record<string, unknown>): void {
  if (typeof out['type'] === 'string') out['type'] = [out['type'], 'null']
  else if (Array.isArray(out['anyOf'])) out['anyOf'] = [...out['anyOf'], { type: 'null' }]
  if (Array.isArray(out['enum'])) out['enum'] = [...out['enum'], null]
}

function nested(value: unknown): unknown {
  return isObject(value) ? toJsonSchema(value) : value
}

/** 64-bit numbers are strings in the JSON of protocol buffers. */
const COUNTS: ReadonlySet<string> = new Set(
  'minItems maxItems minProperties maxProperties minLength maxLength'.split(' '),
)
const SNAKE: Readonly<Record<string, string>> = {
  any_of: 'anyOf',
  min_items: 'minItems',
  max_items: 'maxItems',
  min_properties: 'minProperties',
  max_properties: 'maxProperties',
  min_length: 'minLength',
  max_length: 'maxLength',
  property_ordering: 'propertyOrdering',
}
