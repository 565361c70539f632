import { type Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'

const LETTER = /_([a-z0-9])/g

/**
 * An object with its own member names in camelCase. The vendor reads both spellings of every message's members (the JSON
 * mapping of protocol buffers); what is inside of arguments, results and schemas is not touched.
 */
export function camelMembers(object: JsonObject): JsonObject {
  let found = false
  for (const name in object) if (name.includes('_')) found = true
  if (!found) return object
  const members: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(object)) {
    const camel = camelName(name)
    // Both spellings at once: the one that stands first counts.
    if (members[camel] === undefined) members[camel] = value
  }
  return members
}

/** A member's name in camelCase. */
export function camelName(name: string): string {
  return name.includes('_') ? name.replace(LETTER, (_, letter: string) => letter.toUpperCase()) : name
}

/** The members of a value that must be an object, in camelCase. */
export function camelFields(value: unknown, path: string): Fields {
  return fieldsOf(isObject(value) ? camelMembers(value) : value, path)
}

/** The members of an object member, in camelCase. */
export function camelMember(fields: Fields, name: string): Fields | undefined {
  const value = fields.object(name)
  return value === undefined ? undefined : camelFields(value, fields.at(name))
}

/** The members of each object of an array member, in camelCase. */
export function camelItems(fields: Fields, name: string): readonly Fields[] | undefined {
  return fields.array(name)?.map((item, index) => camelFields(item, `${fields.at(name)}[${index}]`))
}
