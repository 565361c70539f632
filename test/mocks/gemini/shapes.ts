/*
 * Shapes of the vendor's messages, after its public reference (ai.google.dev/api, 2026): an unknown member, or one of
 * another type, is refused as the vendor refuses it.
 */

export type Check = (value: unknown, path: string) => string | null

/** Null when the value is what it has to be; otherwise the vendor's words. */
export const text: Check = (value, path) =>
  typeof value === 'string' ? null : `Invalid value at '${path}' (TYPE_STRING)`
export const flag: Check = (value, path) =>
  typeof value === 'boolean' ? null : `Invalid value at '${path}' (TYPE_BOOL)`
export const number: Check = (value, path) =>
  typeof value === 'number' ? null : `Invalid value at '${path}' (TYPE_DOUBLE)`
export const anything: Check = () => null
export const struct: Check = (value, path) =>
  isObject(value) ? null : `Invalid value at '${path}' (type.googleapis.com/google.protobuf.Struct)`

export const integer: Check = (value, path) =>
  Number.isSafeInteger(value) && Math.abs(Number(value)) < 2 ** 31 ? null : `Invalid value at '${path}' (TYPE_INT32)`

export const bytes: Check = (value, path) =>
  typeof value === 'string' && /^[A-Za-z0-9+/_-]*=*$/.test(value)
    ? null
    : `Invalid value at '${path}' (TYPE_BYTES), Base64 decoding failed`

/** The dummy signature is no base64, and documented. */
export const signature: Check = (value, path) =>
  value === 'skip_thought_signature_validator' ? null : bytes(value, path)

export function oneOf(...words: readonly string[]): Check {
  return (value, path) =>
    typeof value === 'string' && words.includes(value) ? null : `Invalid value at '${path}' (enum), "${String(value)}"`
}

export function listOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return `Invalid value at '${path}' (repeated)`
    for (const [index, item] of value.entries()) {
      const problem = check(item, `${path}[${index}]`)
      if (problem !== null) return problem
    }
    return null
  }
}

export function mapOf(check: Check): Check {
  return (value, path) => {
    if (!isObject(value)) return `Invalid value at '${path}' (map)`
    for (const [name, item] of Object.entries(value)) {
      const problem = check(item, `${path}.${name}`)
      if (problem !== null) return problem
    }
    return null
  }
}

export function message(members: Readonly<Record<string, Check>>, required: readonly string[] = []): Check {
  return (value, path) => {
    if (!isObject(value)) return `Invalid value at '${path}' (message)`
    for (const [name, item] of Object.entries(value)) {
      const check = members[name]
      const at = path === '' ? name : `${path}.${name}`
      if (check === undefined)
        return `Invalid JSON payload received. Unknown name "${name}" at '${path}': Cannot find field.`
      const problem = check(item, at)
      if (problem !== null) return problem
    }
    const missing = required.find((name) => value[name] === undefined)
    return missing === undefined ? null : `${path}.${missing}: required field is not set`
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
