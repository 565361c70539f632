/*
 * What vendors refuse of JSON Schemas: references that lead nowhere ("Invalid schema …: reference to component … not found"), and,
 * where a model is held to a schema, objects that are not closed ("Structured Outputs", OpenAI, 2026-11). Independent of src.
 */

type Json = Readonly<Record<string, unknown>>

/** A `$ref` of a schema that leads nowhere within it; null when there is none. */
export function danglingReference(schema: unknown): string | null {
  for (const { $ref: reference } of objectsIn(schema)) {
    if (typeof reference === 'string' && reference.startsWith('#') && !leadsTo(schema, reference)) return reference
  }
  return null
}

function leadsTo(root: unknown, reference: string): boolean {
  let at = root
  for (const step of reference.slice(1).split('/').slice(1)) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    at = isObject(at) || Array.isArray(at) ? Reflect.get(at, name) : undefined
  }
  return at !== undefined
}

/** Whether a schema has an object that is not closed. */
export function openObject(schema: unknown): boolean {
  for (const { type, additionalProperties: further } of objectsIn(schema))
    if (type === 'object' && further !== false) return true
  return false
}

/** What OpenAI has against a schema that a model shall be held to; null: nothing. */
export function strictProblem(schema: unknown): string | null {
  if (!isObject(schema) || schema['type'] !== 'object') {
    if (isObject(schema) && typeof schema['$ref'] === 'string') return null
    return `schema must be a JSON Schema of 'type: "object"'`
  }
  for (const object of objectsIn(schema)) {
    const { type, properties, required, additionalProperties: further } = object
    if (type !== 'object' || (properties !== undefined && !isObject(properties))) continue
    if (further !== false) return "'additionalProperties' is required to be supplied and to be false."
    const names = Object.keys(properties ?? {})
    const missing = names.find((name) => !Array.isArray(required) || !required.includes(name))
    if (missing !== undefined) {
      return `'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`
    }
  }
  return null
}

/** Every object in a value, values of `enum`, `const` and examples apart, which are no schemas. */
function* objectsIn(value: unknown): Generator<Json> {
  if (Array.isArray(value)) for (const item of value) yield* objectsIn(item)
  if (!isObject(value)) return
  yield value
  for (const [name, member] of Object.entries(value)) if (!VALUES.has(name)) yield* objectsIn(member)
}

const VALUES: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'example', 'examples'])

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
