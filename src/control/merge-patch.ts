import { isObject } from '../lib/index.ts'

/** An object with some members changed: null takes one away, objects are merged, all else is replaced (RFC 7396, 2). */
export function mergePatch(
  of: Readonly<Record<string, unknown>>,
  patch: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = new Map(Object.entries(of))
  for (const [name, value] of Object.entries(patch)) {
    const own = merged.get(name)
    if (value === null) merged.delete(name)
    else merged.set(name, isObject(value) ? mergePatch(isObject(own) ? own : {}, value) : value)
  }
  return Object.fromEntries(merged)
}
