import { isObject, type JsonObject, writeJson } from '../../ir/json.ts'

const STEP = /\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]/y
const LONGEST_ARRAY = 10_000
/** Names that would reach beyond the object. */
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Puts the arguments of a call together that come piece by piece (`partialArgs`, each with the path of a value): texts
 * grow, other values are set.
 */
export class PartialArguments {
  #root: Record<string, unknown> = {}

  /** Whole arguments that come at once. */
  set(args: JsonObject): void {
    this.#root = { ...this.#root, ...args }
  }

  /** False: the piece does not say where it belongs. */
  add(piece: JsonObject): boolean {
    const steps = stepsOf(piece['jsonPath'])
    const last = steps?.pop()
    if (steps === null || last === undefined) return false
    let at: Record<string | number, unknown> = this.#root
    for (const [index, step] of steps.entries()) {
      const next = at[step]
      if (isContainer(next)) at = next
      else {
        const made: Record<string | number, unknown> = typeof (steps[index + 1] ?? last) === 'number' ? ARRAY() : {}
        at[step] = made
        at = made
      }
    }
    const before = at[last]
    const text = piece['stringValue']
    if (typeof text === 'string') at[last] = typeof before === 'string' ? before + text : text
    else if ('nullValue' in piece) at[last] = null
    else at[last] = piece['numberValue'] ?? piece['boolValue'] ?? before ?? null
    return true
  }

  text(): string {
    return writeJson(this.#root)
  }
}

/** An array takes whole numbers as its keys. */
const ARRAY = (): Record<number, unknown> => [] as unknown as Record<number, unknown> // an array has such keys

function isContainer(value: unknown): value is Record<string | number, unknown> {
  return isObject(value) || Array.isArray(value)
}

/** The steps of a path as `$.a[0].b`; null for another kind of path. */
function stepsOf(path: unknown): (string | number)[] | null {
  if (typeof path !== 'string' || !path.startsWith('$')) return null
  const steps: (string | number)[] = []
  let at = 1
  while (at < path.length) {
    STEP.lastIndex = at
    const found = STEP.exec(path)
    if (found === null) return null
    const name = found[1] ?? found[3]
    if (name !== undefined && FORBIDDEN.has(name)) return null
    if (found[2] !== undefined && Number(found[2]) > LONGEST_ARRAY) return null
    steps.push(name ?? Number(found[2]))
    at = STEP.lastIndex
  }
  return steps
}
