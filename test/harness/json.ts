/** A JSON object whose members have not been looked at. */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for a value that is an object and neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The JSON value in `text`, or undefined when it is none (JSON has no undefined). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The caller decides what a text that is not JSON means.
    return undefined
  }
}

/** The member at `path` of nested objects and arrays, or undefined when a step is missing. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current = value
  for (const step of path) {
    if (Array.isArray(current) && typeof step === 'number') current = current[step]
    else if (isObject(current) && typeof step === 'string' && Object.hasOwn(current, step)) current = current[step]
    else return undefined
  }
  return current
}
