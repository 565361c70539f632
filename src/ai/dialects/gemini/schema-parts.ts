import { isObject, type JsonObject } from '../../ir/json.ts'

export interface Types {
  readonly types: readonly string[]
  readonly nullable: boolean
}

/** The types that `type` names, without null. */
export function typesOf(type: unknown): Types {
  const all = (Array.isArray(type) ? type : [type]).filter((item) => typeof item === 'string')
  const types = all.filter((item) => item.toLowerCase() !== 'null')
  return { types, nullable: types.length < all.length && types.length > 0 }
}

export interface Values {
  readonly values: readonly unknown[]
  readonly nullable: boolean
  /** The type of all of them, in words of JSON Schema. */
  readonly type: string | undefined
}

/** The values of `enum`, or of `const`, which is an enum of one. */
export function enumOf(schema: JsonObject): Values | null {
  const list = 'const' in schema ? [schema['const']] : schema['enum']
  if (!Array.isArray(list)) return null
  const values = list.filter((item) => item !== null)
  return { values, nullable: values.length < list.length, type: typeOf(values[0]) }
}

function typeOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return 'array'
  if (isObject(value)) return 'object'
  const type = typeof value
  return type === 'string' || type === 'number' || type === 'boolean' ? type : undefined
}

export interface Bounds {
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  /** Keywords whose bound is a hair wider now. */
  readonly widened: readonly string[]
}

/** Exclusive bounds as inclusive ones: exact for whole numbers, nearly so for others. */
export function boundsOf(schema: JsonObject): Bounds {
  const whole = String(schema['type']).toLowerCase() === 'integer'
  const widened: string[] = []
  const bound = (name: string, exclusive: string, step: number) => {
    const own = numberOr(schema[name])
    const strict = schema[exclusive] === true ? own : numberOr(schema[exclusive])
    if (strict === undefined) return own
    if (!whole) widened.push(exclusive)
    const inclusive = whole ? Math[step > 0 ? 'floor' : 'ceil'](strict) + step : strict
    if (own === undefined || own === strict) return inclusive
    return step > 0 ? Math.max(own, inclusive) : Math.min(own, inclusive)
  }
  const minimum = bound('minimum', 'exclusiveMinimum', 1)
  const maximum = bound('maximum', 'exclusiveMaximum', -1)
  return { minimum, maximum, widened }
}

function numberOr(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
