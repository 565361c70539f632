import { isObject, type JsonObject } from '../ir/json.ts'
import type { Losses } from '../ir/losses.ts'

/*
 * What a decoder makes of each member of a vendor's answer. Whatever the tables do not name is reported as lost, of a whole answer and
 * of each event of a stream alike: so that nothing of it goes unseen, neither what a decoder leaves out nor what a vendor adds.
 */

/**
 * `read`: the decoder takes it, with all that stands below it. `kept`: it goes along as `extra`, or as it came, and the encoder carries or
 * reports it. `ran`: it says how the upstream ran, repeats the request or another member, or is padding: nothing of an answer, so
 * that it is not told. `lost`: the neutral form has no place for it.
 */
export type Reading = 'read' | 'kept' | 'ran' | 'lost' | Shape | readonly [Reading] | Variants

/** The members of an object; `*` is said of all others, which are `lost` where it is absent. */
export interface Shape {
  readonly [member: string]: Reading
}

/** An object whose kind is known by what it holds. */
export type Variants = (value: JsonObject) => Reading

/** Objects that are told apart by their member `type`. */
export function byType(table: Readonly<Record<string, Shape>>, others: Reading): Variants {
  return ({ type }) => table[typeof type === 'string' ? type : ''] ?? others
}

interface Walk {
  readonly losses: Losses
  /** A member's name as the tables spell it. */
  readonly spelled: (name: string) => string
}

/** Reports all of an answer, or of an event of one, that its table does not let the decoder take. */
export function reportUnread(
  value: JsonObject,
  reading: Reading,
  losses: Losses,
  spelled: Walk['spelled'] = asItIs,
): void {
  reportObject(value, reading, '', { losses, spelled })
}

function asItIs(name: string): string {
  return name
}

function reportObject(value: JsonObject, reading: Reading, path: string, walk: Walk): void {
  const one = typeof reading === 'function' ? reading(value) : reading
  if (one === 'lost') walk.losses.drop(path)
  else if (typeof one === 'function') reportObject(value, one, path, walk)
  else if (typeof one === 'object' && !isList(one)) reportMembers(value, one, path, walk)
}

function reportMembers(object: JsonObject, shape: Shape, path: string, walk: Walk): void {
  for (const name in object) {
    const spelled = walk.spelled(name)
    const reading = (Object.hasOwn(shape, spelled) ? shape[spelled] : shape['*']) ?? 'lost'
    if (reading === 'read' || reading === 'kept' || reading === 'ran') continue
    const value = object[name]
    if (saysNothing(value)) continue
    const at = path === '' ? spelled : `${path}.${spelled}`
    if (reading === 'lost') walk.losses.drop(at)
    else if (isObject(value)) reportObject(value, reading, at, walk)
    else if (Array.isArray(value) && isList(reading)) {
      for (const item of value) if (isObject(item)) reportObject(item, reading[0], `${at}[]`, walk)
    }
  }
}

function isList(reading: Reading): reading is readonly [Reading] {
  return Array.isArray(reading)
}

/** What is there to say that there is nothing. */
function saysNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === '') return true
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0
}
