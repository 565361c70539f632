import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'

/** The unknown members of an object together with those of one object inside it: `{a: 1, function: {b: 2}}`. */
export function withInner(rest: JsonObject | undefined, name: string, inner: JsonObject | undefined) {
  return inner === undefined ? rest : { ...rest, [name]: inner }
}

/** The unknown members that belong into the object `name`. */
export function innerOf(extra: JsonObject | undefined, name: string): JsonObject | undefined {
  const inner = extra?.[name]
  return isObject(inner) ? inner : undefined
}

/** Members of a client of this dialect as they came; those of another dialect are reported, and left out. */
export function ownExtra(own: boolean, extra: JsonObject | undefined, path: string, losses: Losses) {
  if (own || extra === undefined) return extra
  losses.dropAll(path, extra)
  return undefined
}
