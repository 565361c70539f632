import { isObject } from './shapes.ts'

/** Members whose value is the caller's own: the names in it are data. */
const OWN: ReadonlySet<string> = new Set(['args', 'response', 'parametersJsonSchema', 'responseJsonSchema'])

/** A body in camelCase: the vendor takes every member in both spellings (protobuf's ProtoJSON format), its Python client mixes them. */
export function camelBody(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelBody)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      if (OWN.has(camel)) return [camel, member]
      if (camel !== 'properties' || !isObject(member)) return [camel, camelBody(member)]
      return [camel, Object.fromEntries(Object.entries(member).map(([key, schema]) => [key, camelBody(schema)]))]
    }),
  )
}
